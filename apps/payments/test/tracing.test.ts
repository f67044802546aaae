import { applicationIds, headerNames, matches, type Span, span, topicNames, treasuryId } from '@streampay/domain'
import type { ReceivedRecord, RecordToSend } from '@streampay/kafka'
import { describe, expect, it } from 'vitest'
import { openTracing } from '../src/tracing.ts'

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const id = `${applicationIds.payments}-slot-0`

function opened() {
  let now = 1_000
  const sent: RecordToSend[] = []
  const spans = openTracing({ slot: 0, sender: { add: (record) => sent.push(record) }, now: () => now })
  const at = (ms: number) => {
    now = ms
    return spans
  }
  const told = () => sent.map(({ key, value }) => ({ owner: key, span: JSON.parse(String(value)) as Span }))
  return { tracing: spans.of(applicationIds.payments), at, told, sent }
}

function record(topic: string, value: object, { offset = 5, key = 'ada', trace = traceparent } = {}): ReceivedRecord {
  return {
    topic,
    partition: 1,
    offset,
    timestamp: 0,
    key: Buffer.from(key),
    value: Buffer.from(JSON.stringify(value)),
    headers: [[headerNames.traceparent, Buffer.from(trace)]],
  }
}

const command = (how: { offset?: number; trace?: string } = {}) =>
  record(topicNames.commands, { userId: 'bea', amount: 5 }, how)

describe('the spans of a topology', () => {
  it('tell when a record was read, processed, written and committed, in one record of its person', () => {
    const { tracing, at, told, sent } = opened()
    const place = { topic: topicNames.commands, partition: 1 }
    at(1_001).onMoment({ step: 'read', ...place, offset: 5 })
    at(1_002.5).onMoment({ step: 'read', ...place, offset: 6 })
    at(1_003)
    tracing.processed(command())
    at(1_004).onMoment({ step: 'decided', id, records: 9 })
    at(1_005).onMoment({ step: 'written', id, records: 9 })
    expect(told()).toEqual([])
    at(1_007).onMoment({ step: 'committed', id, records: 9 })
    const steps = [
      { step: 'read', at: 1_002.5 },
      { step: 'processed', at: 1_003 },
      { step: 'written', at: 1_005 },
      { step: 'committed', at: 1_007 },
    ]
    const source = { ...place, offset: 5 }
    expect(told()).toEqual([
      { owner: 'ada', span: { traceId: 'a'.repeat(32), service: id, source, records: 9, steps } },
    ])
    expect(told().every((one) => matches(span, one.span))).toBe(true)
    expect(sent[0]?.topic).toBe(topicNames.spans)
  })

  it('are only of committed batches: an aborted one is processed again', () => {
    const { tracing, at, told } = opened()
    tracing.processed(command())
    at(1_001).onMoment({ step: 'decided', id, records: 1 })
    at(1_002)
    tracing.processed(command({ offset: 6 }))
    at(1_003).onMoment({ step: 'decided', id, records: 1 })
    at(1_004).onMoment({ step: 'committed', id, records: 1 })
    expect(told().map((one) => one.span.source.offset)).toEqual([6])
  })

  it('are bounded for a batch', () => {
    const { tracing, at, told } = opened()
    for (let offset = 0; offset < 500; offset++) tracing.processed(command({ offset }))
    at(1_001).onMoment({ step: 'decided', id, records: 500 })
    at(1_002).onMoment({ step: 'committed', id, records: 500 })
    expect(told()).toHaveLength(200)
  })

  it.each([
    [record(topicNames.transactions, { account: 'ada', counterparty: 'bea' }), ['ada', 'bea']],
    [record(topicNames.transactions, { account: 'ada', counterparty: treasuryId }), ['ada']],
    [record(topicNames.paymentRequests, { requester: 'ada', debtor: 'bea' }, { key: 'r1-5' }), ['ada', 'bea']],
    // What the debtor refuses, and who asked, is not visible to the debtor.
    [
      record(topicNames.requestsRepartition, { type: 'request', request: { requester: 'ada' } }, { key: 'bea' }),
      ['ada'],
    ],
    [record(topicNames.requestsRepartition, { type: 'decided', requester: 'ada' }), ['ada']],
    [command(), ['ada']],
  ])('go to those who take part in it (%#)', (processed, owners) => {
    const { tracing, at, told } = opened()
    tracing.processed(processed)
    at(1_001).onMoment({ step: 'decided', id, records: 1 })
    at(1_002).onMoment({ step: 'committed', id, records: 1 })
    expect(told().map(({ owner }) => owner)).toEqual(owners)
  })

  it('of a command are shown to the other person once their balance has changed, and not before', () => {
    const { tracing, at, told } = opened()
    const commit = (ms: number) => {
      at(ms).onMoment({ step: 'decided', id, records: 1 })
      at(ms + 1).onMoment({ step: 'committed', id, records: 1 })
    }
    tracing.processed(command())
    commit(1_001)
    expect(told().map(({ owner }) => owner)).toEqual(['ada'])
    for (const account of ['ada', 'bea']) tracing.processed(record(topicNames.balanceHistories, {}, { key: account }))
    commit(1_003)
    const ofCommand = told().filter((one) => one.span.source.topic === topicNames.commands)
    expect(ofCommand.map(({ owner }) => owner)).toEqual(['ada', 'bea'])
    expect(ofCommand[1]?.span).toEqual(ofCommand[0]?.span)
  })

  it('follow what is sampled, and nothing else', () => {
    const { tracing } = opened()
    expect(tracing.carry(command())).toEqual({ traceparent })
    expect(tracing.carry(command({ trace: traceparent.replace(/01$/, '00') }))).toBeUndefined()
    expect(tracing.carry(command({ trace: 'nonsense' }))).toBeUndefined()
    expect(tracing.carry({ ...command(), headers: [] })).toBeUndefined()
  })
})
