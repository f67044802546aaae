/** `GET` of a view: negotiates between live stream, JSON and CSV. */
import { Readable } from 'node:stream'
import { Optional, Object as Struct, String as Text } from 'typebox'
import { routerPath, type ViewRoute } from '../definition/definition.ts'
import { negotiate, type Representation } from '../http/accept.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { noneMatch } from '../http/entity-tag.ts'
import { ProblemError } from '../http/problem.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import { openStream, type StreamContext } from '../sse/stream-route.ts'
import type { History } from './history.ts'
import { type Lens, lensOf } from './lens.ts'
import { readPage, selectPage } from './page.ts'
import { csvOf, jsonArrayOf, primed, tagOf } from './snapshot.ts'
import { LogUnavailableError } from './value-reader.ts'
import type { View } from './view.ts'

export type ViewContext = StreamContext & { readonly guard: RouteGuard }

const defaultPageSize = 50

export const wholeNumberUpTo1000 = Text({ pattern: '^(0|[1-9][0-9]{0,2}|1000)$', description: '0 to 1000' })
const longText = Text({ maxLength: 255 })

/** Query parameters of a view. They are texts: nothing is coerced. */
export function viewQuery(route: ViewRoute) {
  const ofPage = { limit: Optional(wholeNumberUpTo1000), before: Optional(longText) }
  return Struct(
    {
      last: Optional(wholeNumberUpTo1000),
      lastEventId: Optional(longText),
      ...(route.search === undefined ? {} : { search: Optional(Text({ maxLength: 100 })) }),
      ...(route.show === 'page' ? ofPage : {}),
    },
    { additionalProperties: false },
  )
}

export function representationsOf(route: ViewRoute): readonly Representation[] {
  return route.csv === undefined ? ['json', 'stream'] : ['json', 'stream', 'csv']
}

export function registerView(app: App, route: ViewRoute, view: View, context: ViewContext): void {
  app.route({
    method: 'GET',
    url: routerPath(route.path),
    schema: { querystring: viewQuery(route) },
    onRequest: [context.guard.scope(route.scope)],
    handler: (request, reply) => handle(request as unknown as Request, reply as unknown as Reply, view, context),
  })
}

async function handle(request: Request, reply: Reply, view: View, context: ViewContext): Promise<Reply> {
  const { route, feed } = view
  const { subject } = identityOf(request)
  reply.header('vary', 'Accept, Authorization')
  const representation = negotiate(request.headers.accept, representationsOf(route))
  if (representation === undefined) {
    throw new ProblemError('not-acceptable', `This is available as JSON${route.csv ? ', CSV' : ''} and event stream.`)
  }
  if (!feed.caughtUp) {
    throw new ProblemError('try-again', 'The view is being built from the log.', { headers: { 'retry-after': '1' } })
  }
  const lens = lensOf(route, { identity: subject, id: request.params.id, search: request.query.search })
  if (route.show === 'item') requireParty(view, lens, subject)
  if (representation === 'stream') return openStream({ request, reply, view, lens, context })
  try {
    return await sendSnapshot({ request, reply, view, lens, representation })
  } catch (error) {
    if (!(error instanceof LogUnavailableError)) throw error
    const detail = 'The log does not give the records now.'
    throw new ProblemError('log-unavailable', detail, { headers: { 'retry-after': '2' }, cause: error })
  }
}

/** Somebody else's item looks exactly like none (INV-6). */
function requireParty(view: View, lens: Lens, subject: string): void {
  if (!view.isParty(lens.channel, subject))
    throw new ProblemError('not-found', 'There is no such item, or it is not yours.')
}

type Snapshot = {
  readonly request: Request
  readonly reply: Reply
  readonly view: View
  readonly lens: Lens
  readonly representation: Exclude<Representation, 'stream'>
}

async function sendSnapshot(snapshot: Snapshot): Promise<Reply> {
  const { request, reply, view, lens, representation } = snapshot
  const { show, csv } = view.route
  if (representation === 'csv' && csv !== undefined) {
    const history = await view.history(lens, {})
    if (isKnown(snapshot, history, 'csv')) return reply.code(304).send()
    reply.header('content-disposition', `attachment; filename="${csv.filename}"`)
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .send(Readable.from(await primed(csvOf(history, csv.columns))))
  }
  if (show === 'page') return sendPage(snapshot)
  if (show === 'list') {
    const history = await view.history(lens, { last: numberOf(request.query.last) })
    if (isKnown(snapshot, history, 'json')) return reply.code(304).send()
    return reply.type('application/json').send(Readable.from(await primed(jsonArrayOf(history))))
  }
  const record = view.newest(lens)
  if (record === undefined) throw new ProblemError('not-found', 'There is nothing to show yet.')
  if (isKnown(snapshot, await view.history(lens, {}), 'json')) return reply.code(304).send()
  return reply.type('application/json').send(record.value)
}

async function sendPage(snapshot: Snapshot): Promise<Reply> {
  const { request, reply, view, lens } = snapshot
  const { limit, before } = request.query
  const size = numberOf(limit) ?? defaultPageSize
  if (size === 0) throw new ProblemError('malformed-request', 'limit must be at least 1.')
  const selection = selectPage(view, lens, before, size)
  const signed: Pick<History, 'sign'> = {
    sign: (hash) => {
      // The page changes with its bounds and with what lies below them.
      for (const { partition, offsets } of selection.candidates)
        hash.update(`${partition}:${offsets.length}:${offsets.at(-1)},`)
    },
  }
  if (isKnown(snapshot, signed, `page ${size} ${before ?? ''}`)) return reply.code(304).send()
  const page = await readPage(view, selection)
  const items = page.records.map(({ value }) => value).join(',')
  return reply.type('application/json').send(`{"items":[${items}],"before":${JSON.stringify(page.before)}}`)
}

/** Sets the tag, and tells whether the client has this representation already. */
function isKnown({ request, reply, view }: Snapshot, history: Pick<History, 'sign'>, representation: string): boolean {
  const tag = tagOf(view, history, representation)
  reply.headers({ etag: tag, 'cache-control': 'private, no-cache' })
  const condition = request.headers['if-none-match']
  return condition !== undefined && !noneMatch(condition, tag)
}

export function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}
