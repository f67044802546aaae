import { type Entry, entryDirections, entryMatches } from '@streampay/domain'
import { bodyOf, cut, json, type MockContext, type MockRequest, type MockResponse, problem } from './mock-http.ts'
import { type Change, me } from './mock-ledger.ts'

const pageSize = 20

/** A view as a live stream or a snapshot, and the profile. */
export async function answerView(
  request: MockRequest,
  response: MockResponse,
  url: URL,
  context: MockContext,
): Promise<void> {
  const { pathname, searchParams } = url
  if (pathname === '/current-user') return answerProfile(request, response, context)
  if (pathname === '/current-preferences' && request.method === 'PUT') {
    const { visibility } = await bodyOf(request)
    return json(response, 200, context.ledger.prefer(visibility === 'private' ? 'private' : 'public'))
  }
  if (pathname === '/users') return answerDirectory(response, searchParams, context)
  if (pathname === '/spans') return json(response, 200, { items: spans, before: null })
  const records = recordsOf(pathname, searchParams, context)
  if (records === undefined) return problem(response, 404, 'not-found')
  if (request.headers.accept === 'text/csv') {
    response.writeHead(200, { 'content-type': 'text/csv' }).end('transferId,amount\n')
    return
  }
  if (pathname === '/transactions') {
    const from = Number(searchParams.get('from') ?? 0)
    const to = Number(searchParams.get('to') ?? Number.POSITIVE_INFINITY)
    const [text, asked] = [searchParams.get('search') ?? '', searchParams.get('direction')]
    const direction = entryDirections.find((one) => one === asked)
    const namesOf = (id: string) => context.ledger.users.filter((user) => user.id === id).map(({ name }) => name)
    const newestFirst = ledgerEntries(records)
      .filter(({ at }) => at >= from && at < to)
      .filter((entry) => entryMatches(entry, { text, direction }, namesOf(entry.counterparty)))
    const start = Number(searchParams.get('before') ?? 0)
    const end = start + Math.min(Number(searchParams.get('limit') ?? pageSize), context.faults.pageSize ?? pageSize)
    return json(response, 200, {
      items: newestFirst.slice(start, end),
      before: end < newestFirst.length ? String(end) : null,
    })
  }
  const isItem = pathname.startsWith('/payment-requests/')
  json(response, 200, isItem ? records[0] : records)
}

const command = { topic: 'commands', partition: 1, offset: 5 }
const began = Date.UTC(2026, 10, 23, 20, 15, 3, 120)
const stepsAt = (steps: Readonly<Record<string, number>>) =>
  Object.entries(steps).map(([step, after]) => ({ step, at: began + after }))
/** The spans of the payment t1-5, as gateway, payments and views measured it. */
const spans: readonly object[] = [
  {
    service: 'gateway:8443',
    source: command,
    steps: stepsAt({ received: 0, acknowledged: 3.1, replied: 9, answered: 9.4 }),
  },
  {
    service: 'streampay-payments-slot-0',
    source: command,
    records: 9,
    steps: stepsAt({ read: 2.4, processed: 3, written: 6.2, committed: 9.8 }),
  },
  {
    service: 'gateway:8443',
    source: { topic: 'balance-histories', partition: 1, offset: 7 },
    steps: stepsAt({ shown: 11 }),
  },
].map((span) => ({ traceId: 'a'.repeat(32), ...span }))

function ledgerEntries(records: readonly unknown[]): Entry[] {
  return (records as Entry[]).toReversed()
}

function recordsOf(path: string, query: URLSearchParams, { ledger }: MockContext): readonly unknown[] | undefined {
  const last = Number(query.get('last') ?? 1_000_000)
  const isAsked = ({ status }: { status: string }) => (query.get('status') ?? status) === status
  switch (path) {
    case '/activities':
      return ledger.activities.slice(-last)
    case '/current-balance':
      return ledger.history.length === 0 ? [] : [ledger.balance()]
    case '/balance-histories': {
      const from = Number(query.get('from') ?? 0)
      const to = Number(query.get('to') ?? Number.POSITIVE_INFINITY)
      return ledger.history.filter(({ at }) => at >= from && at < to).slice(-last)
    }
    case '/statements':
      return [...ledger.statements.values()]
    case '/statement-people':
      return [...ledger.statementPeople.values()].filter(({ month }) => month === query.get('month'))
    case '/transactions':
      return ledger.entries.slice(-last)
    case '/payment-requests':
      return ledger.incoming.filter(isAsked).slice(-last)
    case '/sent-payment-requests':
      return ledger.sent.filter(isAsked).slice(-last)
    case '/blocked-people':
      return ledger.blocked.slice(-last)
    case '/current-preferences':
      return ledger.preferences
    case '/favourite-people':
      return ledger.favourites.slice(-last)
    case '/total-transactions':
      return ledger.history.length === 0 ? [] : [{ count: 12_842, volume: 48_201_337 }]
    case '/average-transactions':
      return ledger.history.length === 0 ? [] : [{ count: 12_842, mean: 3_753 }]
    default: {
      const found = [...ledger.incoming, ...ledger.sent].find(({ id }) => path === `/payment-requests/${id}`)
      return found === undefined ? undefined : [found]
    }
  }
}

/** The directory by ids, or searched by the beginnings of words, a page at a time. */
function answerDirectory(response: MockResponse, query: URLSearchParams, { ledger, faults }: MockContext): void {
  const ids = query.getAll('id')
  faults.askedIds?.push(ids)
  if (ids.length > 0) {
    json(response, 200, { items: ledger.users.filter(({ id }) => ids.includes(id)) })
    return
  }
  const wanted = (query.get('search') ?? '').toLowerCase().split(/\s+/)
  const found = ledger.users.filter(({ name, username }) => {
    const words = `${name} ${username}`.toLowerCase().split(/[\s-]+/)
    return wanted.every((start) => words.some((word) => word.startsWith(start)))
  })
  const limit = Number(query.get('limit') ?? 20)
  json(response, 200, { items: found.slice(0, limit), ...(found.length > limit ? { next: 'more' } : {}) })
}

/** `GET /live`: several views on one stream; each event and id begins with the index of its view in the request. */
export function answerLive(request: MockRequest, response: MockResponse, url: URL, context: MockContext): void {
  const { faults, streams, shown, ledger } = context
  if (faults.streamsDown) {
    cut(response)
    return
  }
  if (faults.tooManyStreams) {
    response.writeHead(429, {
      'content-type': 'application/problem+json',
      'retry-after': String(faults.tooManyStreams),
    })
    response.end(JSON.stringify({ type: 'urn:streampay:problem:too-many-requests', status: 429 }))
    return
  }
  if (request.headers['last-event-id'] !== undefined) {
    problem(response, 400, 'invalid-position')
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('retry: 200\n\n')
  const views = url.searchParams.getAll('view').map((view) => new URL(view, url))
  const send = (index: number, record: unknown, event = 'message') => {
    if (faults.silentStreams) return
    const data = typeof record === 'string' ? record : JSON.stringify(record)
    response.write(`event: ${index}:${event}\nid: ${index}:${ledger.changes.length}\ndata: ${data}\n\n`)
  }
  const tell = (index: number, { path, record, event }: Change, view: Pick<URL, 'pathname' | 'searchParams'>) => {
    if (path !== view.pathname) return
    if (path === '/statements' && faults.statementsStop) return
    const { id, status } = Object(record) as { readonly id?: string; readonly status?: string }
    // A record that no longer matches the filter has left the view.
    const hasLeft = status !== undefined && (view.searchParams.get('status') ?? status) !== status
    if (hasLeft) send(index, id, 'delete')
    else send(index, record, event)
  }
  for (const [index, { pathname, searchParams }] of views.entries()) {
    const position = searchParams.get('lastEventId')
    if (position === null) for (const record of recordsOf(pathname, searchParams, context) ?? []) send(index, record)
    else for (const change of ledger.changes.slice(Number(position))) tell(index, change, { pathname, searchParams })
    send(index, {}, 'caught-up')
  }
  const onChange = (change: Change) => {
    for (const [index, view] of views.entries()) tell(index, change, view)
  }
  ledger.events.on('change', onChange)
  streams.add(response)
  shown.set(
    response,
    views.map(({ pathname }) => pathname),
  )
  response.on('close', () => {
    ledger.events.off('change', onChange)
    streams.delete(response)
    shown.delete(response)
  })
}

async function answerProfile(request: MockRequest, response: MockResponse, { ledger }: MockContext): Promise<void> {
  const index = ledger.users.findIndex(({ id }) => id === me)
  if (request.method === 'PUT') {
    const ifMatch = request.headers['if-match']
    if (ifMatch !== undefined && ifMatch !== ledger.etag) return problem(response, 412, 'precondition-failed')
    const body = await bodyOf(request)
    const mine = { id: me, name: String(body.name), username: String(body.username) }
    if (index < 0) ledger.users.push(mine)
    else ledger.users[index] = mine
    ledger.etag = `"${Number(ledger.etag.slice(1, -1)) + 1}"`
  }
  const mine = ledger.users.find(({ id }) => id === me)
  if (mine === undefined) return problem(response, 404, 'not-found')
  json(response, 200, mine, { etag: ledger.etag })
}
