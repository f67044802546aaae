import { bodyOf, cut, json, type MockContext, type MockRequest, type MockResponse, problem } from './mock-http.ts'
import { me } from './mock-ledger.ts'

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
  const records = recordsOf(pathname, searchParams, context)
  if (records === undefined) return problem(response, 404, 'not-found')
  if (request.headers.accept === 'text/event-stream')
    return stream({ request, response, path: pathname, records, context })
  if (request.headers.accept === 'text/csv') {
    response.writeHead(200, { 'content-type': 'text/csv' }).end('transferId,amount\n')
    return
  }
  if (pathname === '/transactions') {
    const newestFirst = records.toReversed()
    const start = Number(searchParams.get('before') ?? 0)
    const end = start + pageSize
    return json(response, 200, {
      items: newestFirst.slice(start, end),
      before: end < newestFirst.length ? String(end) : null,
    })
  }
  const isItem = pathname.startsWith('/payment-requests/')
  json(response, 200, isItem ? records[0] : records)
}

function recordsOf(path: string, query: URLSearchParams, { ledger }: MockContext): readonly unknown[] | undefined {
  const last = Number(query.get('last') ?? 1_000_000)
  switch (path) {
    case '/users': {
      const wanted = (query.get('search') ?? '').toLowerCase()
      return ledger.users.filter(({ name, username }) => `${name} ${username}`.toLowerCase().includes(wanted))
    }
    case '/activities':
      return ledger.activities.slice(-last)
    case '/current-balance':
      return ledger.history.length === 0 ? [] : [ledger.balance()]
    case '/balance-histories':
      return ledger.history.slice(-last)
    case '/transactions':
      return ledger.entries.slice(-last)
    case '/payment-requests':
      return ledger.incoming.filter(({ status }) => status === 'open')
    case '/sent-payment-requests':
      return ledger.sent
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

type Stream = {
  request: MockRequest
  response: MockResponse
  path: string
  records: readonly unknown[]
  context: MockContext
}

function stream({ request, response, path, records, context }: Stream): void {
  const { faults, streams, ledger } = context
  if (faults.streamsDown) {
    cut(response)
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('retry: 200\n\n')
  let id = Number(request.headers['last-event-id'] ?? 0)
  const send = (record: unknown, event?: string) => {
    id += 1
    const data = typeof record === 'string' ? record : JSON.stringify(record)
    response.write(`${event === undefined ? '' : `event: ${event}\n`}id: ${id}\ndata: ${data}\n\n`)
  }
  if (id === 0) for (const record of records) send(record)
  send({}, 'caught-up')
  const onChange = (change: { path: string; record: unknown; event?: string }) => {
    if (change.path === path) send(change.record, change.event)
  }
  ledger.events.on('change', onChange)
  streams.add(response)
  response.on('close', () => {
    ledger.events.off('change', onChange)
    streams.delete(response)
  })
}

async function answerProfile(request: MockRequest, response: MockResponse, { ledger }: MockContext): Promise<void> {
  const index = ledger.users.findIndex(({ id }) => id === me)
  if (request.method === 'PUT') {
    const ifMatch = request.headers['if-match']
    if (ifMatch !== undefined && ifMatch !== ledger.etag) return problem(response, 412, 'precondition-failed')
    const body = await bodyOf(request)
    ledger.users[index] = { id: me, name: String(body.name), username: String(body.username) }
    ledger.etag = `"${Number(ledger.etag.slice(1, -1)) + 1}"`
  }
  json(response, 200, ledger.users[index], { etag: ledger.etag })
}
