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
  partitions: [0, 1, 2, 3].map((partition) => ({
    partition,
    earliest: 0,
    latest: 1_000 + index * 37 + partition,
    leader: partition % 3,
    replicas: [0, 1, 2],
    inSyncReplicas: partition === 2 ? [0, 2] : [0, 1, 2],
    bytes: 120_000 + index * 4_321,
  })),
  config:
    name === 'users' || name === 'balances'
      ? { 'cleanup.policy': 'compact', 'delete.retention.ms': '86400000' }
      : { 'cleanup.policy': 'delete', 'retention.ms': name === 'transactions' ? '-1' : '604800000' },
  offsets: 4_000 + index * 148,
  bytes: 480_000 + index * 17_284,
}))

const group = 'streampay-payments'
const memberId = 'streampay-payments-0-5f2d'

function groups() {
  const row = (name: string, members: number | null, lag: number | null) => ({
    group: name,
    state: 'Stable',
    protocolType: 'consumer',
    members,
    lag,
  })
  return { items: [row(group, 1, 12), row('streampay-statistics', 1, 0), row('a-newer-kind', null, null)], missing: [] }
}

function groupNow() {
  const now = Date.now()
  const place = (topic: string, partition: number, lag: number) => ({
    topic,
    partition,
    committed: 1_000,
    end: 1_000 + lag,
    lag,
    waitingSince: lag === 0 ? null : now - 14_000,
    member: memberId,
  })
  return {
    group,
    at: now,
    state: 'Stable',
    protocol: 'co-partitioned',
    members: [
      { memberId, groupInstanceId: 'streampay-payments-0', clientId: 'streampay-payments', clientHost: '/127.0.0.1' },
    ],
    partitions: [place('commands', 0, 0), place('commands', 1, 12), place('users', 0, 0)],
    left: 0,
  }
}

/** A transaction that has been open for a while and holds a partition back, and one that has just begun. */
function transactions() {
  const now = Date.now()
  const open = (transactionalId: string, producerId: number, startedAt: number, partition: number) => ({
    transactionalId,
    state: 'Ongoing',
    producerId,
    producerEpoch: 3,
    timeoutMs: 10_000,
    startedAt,
    partitions: [{ topic: 'transactions', partition }],
  })
  const held = (transactionalId: string, producerId: number, startedAt: number, partition: number) => ({
    topic: 'transactions',
    partition,
    lastStableOffset: 120,
    highWatermark: 131,
    holders: [{ producerId, producerEpoch: 3, offset: 120, lastTimestamp: startedAt, transactionalId, startedAt }],
  })
  const [slow, short] = [now - 8_000, now - 5]
  return {
    at: now,
    open: [open('streampay-payments-0', 12, slow, 2), open('streampay-payments-1', 13, short, 3)],
    held: [held('streampay-payments-0', 12, slow, 2), held('streampay-payments-1', 13, short, 3)],
    missing: ['DescribeLogDirs: this log does not offer it.'],
  }
}

/** Topics with invented records: one command and its effects, and more of the same. */
export function answerConsole(
  request: MockRequest,
  response: MockResponse,
  url: URL,
  { streams, ledger }: MockContext,
) {
  const [, , page, topic = ''] = url.pathname.split('/')
  if (request.method === 'POST' && page === 'dead-letters') {
    return json(response, 200, { kind: 'written', place: 'commands/1/99', answer: { status: 200 } })
  }
  if (request.method === 'POST') return json(response, 201, { topic, partition: 1, offset: 5 })
  if (page === 'dead-letters')
    return json(response, 200, { refusal: topic === '1' ? null : 'it was cut from 2000000 bytes' })
  if (page === 'transactions') return json(response, 200, transactions())
  if (page === 'groups') return json(response, 200, topic === '' ? groups() : groupNow())
  if (topic === '') return json(response, 200, topics)
  const partition = url.searchParams.get('partition')
  const from = url.searchParams.get('from')
  const records = recordsOf(topic).filter((record) => partition === null || record.partition === Number(partition))
  if (request.headers.accept !== 'text/event-stream') return json(response, 200, { items: records, next: null })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('retry: 200\n\n')
  if (from === 'beginning' || from?.startsWith('newest:'))
    for (const record of records) response.write(`id: ${record.offset}\ndata: ${JSON.stringify(record)}\n\n`)
  response.write('event: caught-up\ndata: {}\n\n')
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
  const key = keyFor(topic, offset)
  const value = offset === 9 ? null : valueFor(topic, key, offset)
  const model = topic === 'commands' ? { 'zilla:domain-model': 'PayCommand' } : {}
  const letter = topic === 'dead-letters' ? letterHeaders(offset) : {}
  const ownHeaders: Record<string, string> = {
    ...(offset === 5 ? headers : { 'content-type': 'application/json' }),
    ...model,
    ...letter,
  }
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

function letterHeaders(offset: number) {
  return {
    'zilla:domain-model': 'PayCommand',
    'zilla:identity': 'ada',
    origin: `commands/${offset % 4}/${offset * 3}`,
    reason: offset === 29 ? 'TypeError: boom is not a function' : 'the value is no JSON',
    stack:
      'TypeError: boom is not a function\n    at decide (apps/payments/src/pay.ts:41:11)\n    at process (task.ts:7:3)',
  }
}

/** A balance has versions: every eighth record is of the same account, and so in the same partition. */
function keyFor(topic: string, offset: number): string {
  if (topic === 'replies') return correlationId
  if (topic === 'dead-letters') return 'ada'
  if (topic === 'balances') return `person-${offset % 8}`
  return offset === 5 ? 'ada' : `person-${offset}`
}

function valueFor(topic: string, key: string, offset: number): unknown {
  switch (topic) {
    case 'balances':
      return { account: key, balance: 10_000 + offset * 100, sequence: offset + 1, transferId: `t1-${offset}`, at }
    case 'commands':
    case 'dead-letters':
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
