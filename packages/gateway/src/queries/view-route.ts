/** `GET` of a view: chooses between live stream, JSON and CSV. */
import { Readable } from 'node:stream'
import { Enum, Array as List, Optional, Object as Struct, String as Text, type TSchema, Union } from 'typebox'
import { type OwnersPart, parametersSchema, routerPath, type ViewRoute } from '../definition/definition.ts'
import { negotiate, type Representation, vary } from '../http/accept.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import { noneMatch } from '../shared/entity-tag.ts'
import { ProblemError } from '../shared/problem.ts'
import { queryText } from '../shared/query-texts.ts'
import { lastPositionOf, openStream, type StreamContext } from '../sse/stream-route.ts'
import { type Access, accessOf } from '../views/access.ts'
import { directoryJson, longestCursor, longestKey, mostIds, readDirectory } from '../views/directory.ts'
import type { NewestRecords } from '../views/newest.ts'
import { formatCursor, offsetsOfCursor } from '../views/page.ts'
import { csvOf, jsonArrayOf, primed, type Signed, signedRecords, tagOf } from '../views/snapshot.ts'
import { LogUnavailableError } from '../views/value-reader.ts'
import type { View, Wanted } from '../views/view.ts'

export type GuardedContext = StreamContext & { readonly guard: RouteGuard }

export type ViewContext = GuardedContext & {
  /** The view at this path. */
  readonly viewAt: (path: string) => View
}

const defaultPageSize = 50
/** The largest number of records of a list as JSON. */
const mostOfList = 1_000

/** The number of newest records: 0 is a stream that begins with the next record. */
const zeroTo1000 = queryText('zeroTo1000')
const pageSize = queryText('oneTo1000')
const longText = Text({ maxLength: 255 })
const keyText = Text({ minLength: 1, maxLength: longestKey, description: 'a key' })

const ofDirectory = {
  search: Optional(Text({ maxLength: 100, description: 'beginnings of words' })),
  limit: Optional(queryText('oneTo100', '; default 20')),
  cursor: Optional(Text({ maxLength: longestCursor, description: '`next` of the page before' })),
  id: Optional(Union([keyText, List(keyText, { maxItems: mostIds })])),
  lastEventId: Optional(longText),
}

/** Query parameters of a view. They are texts, or lists of texts: no type is converted. */
export function viewQuery(route: ViewRoute) {
  const ofAll: Record<string, TSchema> = { last: Optional(zeroTo1000), lastEventId: Optional(longText) }
  for (const { parameter, text } of partsOf(route)) ofAll[parameter] = queryText(text)
  const ofTime = {
    from: Optional(queryText('time', '; only from this time on; not for streams')),
    to: Optional(queryText('time', '; only before this time; not for streams')),
  }
  const found = Object.entries(route.find?.parameters ?? {}).map(([name, schema]) => [name, Optional(schema)])
  const ofPage = {
    ...ofAll,
    limit: Optional(pageSize),
    before: Optional(longText),
    ...ofTime,
    ...Object.fromEntries(found),
  }
  if (route.show === 'list') ofAll.before = Optional(longText)
  if (route.byTime === true) Object.assign(ofAll, ofTime)
  for (const [name, { values }] of Object.entries(route.filters ?? {})) ofAll[name] = Optional(Enum([...values]))
  const members = route.show === 'directory' ? ofDirectory : route.show === 'page' ? ofPage : ofAll
  return Struct(members, { additionalProperties: false })
}

function partsOf({ owners = [] }: ViewRoute): OwnersPart[] {
  return owners.flatMap((owner) => (owner === 'key' || owner.part === undefined ? [] : [owner.part]))
}

export function registerView(app: App, route: ViewRoute, view: View, context: ViewContext): void {
  app.route({
    method: 'GET',
    url: routerPath(route.path),
    schema: { querystring: viewQuery(route), params: parametersSchema(route.path) },
    onRequest: [context.guard.scope(route.scope), context.guard.readRate],
    handler: (request, reply) => handle(request as unknown as Request, reply as unknown as Reply, view, context),
  })
}

async function handle(request: Request, reply: Reply, view: View, context: ViewContext): Promise<Reply> {
  const { route } = view
  const { subject } = identityOf(request)
  vary(reply, 'Accept, Authorization')
  const offered = representationsOf(route, request.query)
  const representation = negotiate(request.headers.accept, offered)
  if (representation === undefined) throw new ProblemError('not-acceptable', wordsOf(offered))
  const access = accessFor(view, { identity: subject, id: request.params.id, query: request.query })
  // An invalid parameter is refused, also if this representation does not use it.
  const after = lastPositionOf(request, view.name)
  const before = offsetsOfCursor(request.query.before, view.feed.positions)
  const wanted = wantedOf(request.query, view, context)
  if (representation === 'stream') {
    const asked = { view, access, label: '', last: numberOf(request.query.last), after } as const
    return openStream({ request, reply, name: view.name, asked: [asked], context })
  }
  try {
    return await sendSnapshot({ request, reply, view, access, representation, before, wanted })
  } catch (error) {
    if (!(error instanceof LogUnavailableError)) throw error
    const detail = 'The log does not give the records now.'
    throw new ProblemError('log-unavailable', detail, { headers: { 'retry-after': '2' }, cause: error })
  }
}

/** Undefined for everything. A period that ends before it begins has no records. */
function wantedOf(query: Readonly<Record<string, string>>, view: View, context: ViewContext): Wanted | undefined {
  const period = { from: numberOf(query.from), to: numberOf(query.to) }
  const matches = matcherOf(query, view, context)
  return period.from === undefined && period.to === undefined && matches === undefined ? undefined : { period, matches }
}

/** @throws ProblemError 503 while the directory is being built */
function matcherOf(
  query: Readonly<Record<string, string>>,
  { route }: View,
  { viewAt }: ViewContext,
): Wanted['matches'] {
  const { find } = route
  if (find === undefined) return undefined
  const asked = Object.fromEntries(Object.entries(query).filter(([name]) => Object.hasOwn(find.parameters, name)))
  if (Object.keys(asked).length === 0) return undefined
  const directory = viewAt(find.directory)
  requireBuilt(directory)
  // For one response: a person in many records is looked up once.
  const known = new Map<string, readonly string[]>()
  const titlesOf = (key: string) => {
    const titles = known.get(key) ?? directory.titlesOf(key)
    known.set(key, titles)
    return titles
  }
  return ({ value }) => find.matches(JSON.parse(value ?? 'null'), asked, titlesOf)
}

/** @throws ProblemError 503 while the view is being built */
function requireBuilt({ feed }: View): void {
  if (feed.caughtUp) return
  const detail = feed.isStopped
    ? 'The view has stopped: the log has a record that cannot be read.'
    : 'The view is being built from the log.'
  throw new ProblemError('try-again', detail, { headers: { 'retry-after': feed.isStopped ? '30' : '1' } })
}

type AccessRequest = {
  readonly identity: string
  readonly id: string | undefined
  readonly query: Readonly<Record<string, unknown>>
}

/** @throws ProblemError 503 while the view is being built, 404 for another's item */
export function accessFor(view: View, { identity, id, query }: AccessRequest): Access {
  const { route } = view
  requireBuilt(view)
  const access = accessOf(route, { identity, id, keys: idsOf(route, query), filters: query })
  if (route.show === 'item') requireParty(view, access, identity)
  return access
}

/** The ids requested from a directory; undefined if there are none, and for other views. */
function idsOf({ show }: ViewRoute, query: Readonly<Record<string, unknown>>): ReadonlySet<string> | undefined {
  if (show !== 'directory' || query.id === undefined) return undefined
  return new Set([query.id].flat().filter((id) => typeof id === 'string'))
}

/** A directory can only be streamed for given ids. */
export function representationsOf(
  { show, csv }: ViewRoute,
  query: Readonly<Record<string, unknown>>,
): readonly Representation[] {
  if (show === 'directory' && query.id === undefined) return ['json']
  return csv === undefined ? ['json', 'stream'] : ['json', 'stream', 'csv']
}

function wordsOf(offered: readonly Representation[]): string {
  const words: Readonly<Record<Representation, string>> = {
    json: 'JSON',
    csv: 'CSV',
    stream: 'event stream',
    html: 'HTML',
  }
  return `This is available as ${offered.map((each) => words[each]).join(' and ')}.`
}

/** Another identity's item looks exactly like a missing one (INV-6). */
function requireParty(view: View, access: Access, subject: string): void {
  if (!view.isParty(access.channel, subject))
    throw new ProblemError('not-found', 'There is no such item, or it is not yours.')
}

type Snapshot = {
  readonly request: Request
  readonly reply: Reply
  readonly view: View
  readonly access: Access
  readonly representation: Exclude<Representation, 'stream'>
  /** Only records below these offsets, by partition. */
  readonly before: readonly number[]
  /** The query of a page, list or CSV; undefined: everything. */
  readonly wanted: Wanted | undefined
}

async function sendSnapshot(snapshot: Snapshot): Promise<Reply> {
  const { reply, view, representation } = snapshot
  reply.header('cache-control', 'private, no-cache')
  const { show, csv } = view.route
  if (representation === 'csv' && csv !== undefined) return sendCsv(snapshot, csv)
  switch (show) {
    case 'list':
      return sendList(snapshot)
    case 'page':
      return sendPage(snapshot)
    case 'directory':
      return sendDirectory(snapshot)
    case 'one':
    case 'item':
      return sendOne(snapshot)
  }
}

async function sendCsv(snapshot: Snapshot, csv: NonNullable<ViewRoute['csv']>): Promise<Reply> {
  const { reply, view, access, wanted } = snapshot
  const { whole, history } = await csvHistory(view, access, wanted)
  // The records of a period are only known after reading: it has no tag.
  if (whole !== undefined && isKnown(snapshot, whole, 'csv')) return reply.code(304).send()
  reply.header('content-disposition', `attachment; filename="${csv.filename}"`)
  return reply
    .type('text/csv; charset=utf-8; header=present')
    .send(Readable.from(await primed(csvOf(history, csv.columns))))
}

/** All records, which can have a tag, or those of a period. */
async function csvHistory(view: View, access: Access, wanted: Wanted | undefined) {
  if (wanted?.matches !== undefined) {
    throw new ProblemError('malformed-request', 'A CSV has all entries of its period: it cannot be searched.')
  }
  if (wanted !== undefined) return { whole: undefined, history: await view.wholeOf(wanted.period, access) }
  const whole = view.whole(access)
  return { whole, history: whole }
}

function sendOne(snapshot: Snapshot): Reply {
  const { reply, view, access } = snapshot
  const record = view.current(access)
  if (record === undefined) throw new ProblemError('not-found', 'There is nothing to show yet.')
  if (isKnown(snapshot, signedRecords([record]), 'json')) return reply.code(304).send()
  return reply.type('application/json').send(record.value)
}

/** The newest records, in log order; a header has the link to the older ones. */
async function sendList(snapshot: Snapshot): Promise<Reply> {
  const { request, reply } = snapshot
  const limit = numberOf(request.query.last) ?? mostOfList
  const found = await newestOf(snapshot, 'list', limit)
  if (found === undefined) return reply.code(304).send()
  const { records, next } = found
  if (next !== undefined && limit > 0) reply.header('link', olderLink(request, formatCursor(next)))
  return reply.type('application/json').send(jsonArrayOf(records))
}

/** RFC 8288: the same address, with the cursor in its query. */
function olderLink({ url }: Request, cursor: string): string {
  const [path = '', query = ''] = url.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('before', cursor)
  return `<${path}?${parameters}>; rel="next"`
}

async function sendPage(snapshot: Snapshot): Promise<Reply> {
  const { request, reply, wanted } = snapshot
  const limit = numberOf(request.query.limit) ?? defaultPageSize
  const found = await newestOf(snapshot, 'page', limit)
  if (found === undefined) return reply.code(304).send()
  const isEnd = wanted === undefined && found.records.length === 0
  return sendItems(reply, isEnd ? { ...found, next: undefined } : found)
}

/** Undefined if the client has the records already. */
async function newestOf(snapshot: Snapshot, what: string, limit: number): Promise<NewestRecords | undefined> {
  const { request, view, access, before, wanted } = snapshot
  // Records of a period or of a search are only known after reading: they have no tag.
  if (wanted !== undefined) return view.newestOf(wanted, access, { before, limit })
  const newest = view.newest(access, { before, limit })
  return isKnown(snapshot, newest, `${what} ${limit} ${request.query.before ?? ''}`) ? undefined : newest.read()
}

function sendItems(reply: Reply, { records, next }: NewestRecords): Reply {
  const items = records
    .toReversed()
    .map(({ value }) => value)
    .join(',')
  const older = JSON.stringify(next === undefined ? null : formatCursor(next))
  return reply.type('application/json').send(`{"items":[${items}],"before":${older}}`)
}

function sendDirectory(snapshot: Snapshot): Reply {
  const { request, reply, view, access } = snapshot
  const { search, limit, cursor } = request.query
  const page = readDirectory(view, { search, limit: numberOf(limit), cursor, ids: access.keys })
  if (isKnown(snapshot, signedRecords(page.records), `directory ${page.next ?? ''}`)) return reply.code(304).send()
  return reply.type('application/json').send(directoryJson(page))
}

/** Sets the tag, and returns whether the client has this representation already. */
function isKnown({ request, reply, view }: Snapshot, signed: Signed, representation: string): boolean {
  const tag = tagOf(view, signed, representation)
  reply.header('etag', tag)
  const condition = request.headers['if-none-match']
  return condition !== undefined && !noneMatch(condition, tag)
}

export function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}
