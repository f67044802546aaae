import { json, type MockContext, type MockRequest, type MockResponse } from './mock-http.ts'

const at = Date.UTC(2026, 10, 23, 20, 15, 3, 120)
const correlationId = '019a1b2c-3d4e-7f60-8a1b-2c3d4e5f6071'
const headers = { 'zilla:correlation-id': correlationId, 'zilla:identity': 'ada', 'content-type': 'application/json' }

const topicNames = [
  'commands',
  'replies',
  'users',
  'transactions',
  'balances',
  'balance-histories',
  'payment-requests',
  'activities',
  'total-transactions',
  'average-transactions',
  'dead-letters',
  'streampay-payments-requests-repartition',
  'streampay-statistics-totals-repartition',
]

const topics = topicNames.map((name, index) => ({
  name,
  partitions: [0, 1, 2, 3].map((partition) => ({ partition, earliest: 0, latest: 1_000 + index * 37 + partition })),
  config:
    name === 'users' || name === 'balances'
      ? { 'cleanup.policy': 'compact' }
      : { 'cleanup.policy': 'delete', 'retention.ms': name === 'transactions' ? '-1' : '604800000' },
  offsets: 4_000 + index * 148,
}))

/** Topics with made-up records: one command and what it caused, and more of the same. */
export function answerConsole(
  request: MockRequest,
  response: MockResponse,
  url: URL,
  { streams, ledger }: MockContext,
) {
  const [, , , topic = ''] = url.pathname.split('/')
  if (topic === '') return json(response, 200, topics)
  const records = recordsOf(topic)
  if (request.headers.accept !== 'text/event-stream') return json(response, 200, { items: records, next: null })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('retry: 200\n\n')
  if (url.searchParams.get('from') === 'beginning')
    for (const record of records) response.write(`id: ${record.offset}\ndata: ${JSON.stringify(record)}\n\n`)
  const onRecord = (record: { topic: string }) => {
    if (record.topic === topic) response.write(`data: ${JSON.stringify(record)}\n\n`)
  }
  ledger.events.on('record', onRecord)
  streams.add(response)
  response.on('close', () => {
    ledger.events.off('record', onRecord)
    streams.delete(response)
  })
}

export function mockRecord(topic: string, offset: number) {
  const value = offset === 9 ? null : valueFor(topic)
  const key = topic === 'replies' ? correlationId : offset === 5 ? 'ada' : `person-${offset}`
  const ownHeaders = offset === 5 ? headers : { 'content-type': 'application/json' }
  return {
    topic,
    partition: offset % 4,
    offset,
    timestamp: at + offset * 7,
    key,
    headers: ownHeaders,
    value,
    size: 180 + offset,
    raw: {
      key: { text: key },
      headers: Object.entries(ownHeaders).map(([name, text]) => ({ name, value: { text } })),
      value: value === null ? null : { text: JSON.stringify(value) },
    },
  }
}

function recordsOf(topic: string) {
  return Array.from({ length: 30 }, (_, offset) => mockRecord(topic, offset))
}

function valueFor(topic: string): unknown {
  switch (topic) {
    case 'commands':
      return { userId: 'grace-hopper', amount: 2_450, notes: 'Half of the dinner' }
    case 'replies':
      return { transferId: 't1-5', balance: 47_550 }
    default:
      return {
        transferId: 't1-5',
        account: 'ada',
        counterparty: 'grace-hopper',
        amount: -2_450,
        nested: { list: [1, 'two', true, null] },
      }
  }
}
