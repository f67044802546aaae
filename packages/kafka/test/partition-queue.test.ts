/** What a producer may lose, repeat or put into another order: the records of one partition, from the call to the answer. */
import { describe, expect, it } from 'vitest'
import { KafkaError, type RecordMetadata } from '../src/index.ts'
import { type Batch, PartitionQueue } from '../src/producer/partition-queue.ts'
import { PendingSend } from '../src/producer/pending-send.ts'
import { decodeRecords, readBatchHeader } from '../src/wire/index.ts'

const maxBatchBytes = 100
const timestamp = 1_700_000_000_000
const refusal = () => new KafkaError('KAFKA_TIMEOUT', 'too late', { outcome: 'not-written' })

function opened() {
  const queue = new PartitionQueue('t', 3, maxBatchBytes)
  /** One call of `send` with one record. */
  const push = (text: string, { bytes = 10, deadline = 1000 } = {}): Promise<RecordMetadata[]> => {
    const send = new PendingSend(1)
    const record = { timestamp, key: null, value: Buffer.from(text) }
    queue.push({ record, bytes, send, index: 0, deadline })
    return send.promise
  }
  return { queue, push }
}

const textsOf = (batch: Batch) => batch.records.map(({ record }) => String(record.value))
const delivery = { baseOffset: 40, logAppendTime: -1 }

describe('a batch of a partition', () => {
  it('takes records in their order, up to its bytes and not past them', () => {
    const { queue, push } = opened()
    for (const text of ['a', 'b', 'c']) void push(text, { bytes: maxBatchBytes / 2 })
    const first = queue.take()
    expect([textsOf(first), first.size]).toEqual([['a', 'b'], maxBatchBytes])
    queue.delivered(first, delivery)
    expect(textsOf(queue.take())).toEqual(['c'])
  })

  it('leaves a record that is one byte too much to the next one', () => {
    const { queue, push } = opened()
    void push('a', { bytes: maxBatchBytes / 2 })
    void push('b', { bytes: maxBatchBytes / 2 + 1 })
    expect(textsOf(queue.take())).toEqual(['a'])
  })

  it('takes a record that is larger than a batch alone', () => {
    const { queue, push } = opened()
    void push('large', { bytes: maxBatchBytes + 1 })
    void push('small', { bytes: 1 })
    expect(textsOf(queue.take())).toEqual(['large'])
  })

  it('stays the same until it has an answer, whatever comes meanwhile', () => {
    const { queue, push } = opened()
    void push('a')
    const batch = queue.take()
    void push('b')
    expect(queue.take()).toBe(batch)
    expect(queue.batch).toBe(batch)
    expect(textsOf(batch)).toEqual(['a'])
  })

  it('has the earliest deadline of its records, and the queue that of the oldest one without a batch', () => {
    const { queue, push } = opened()
    expect(queue.nextDeadline).toBe(Number.POSITIVE_INFINITY)
    void push('a', { deadline: 30, bytes: 50 })
    void push('b', { deadline: 20, bytes: 50 })
    void push('c', { deadline: 40 })
    expect(queue.nextDeadline).toBe(30)
    expect(queue.take().deadline).toBe(20)
    expect(queue.nextDeadline).toBe(40)
  })

  it('leaves the queue empty only when it is answered', async () => {
    const { queue, push } = opened()
    expect(queue.isEmpty).toBe(true)
    const sent = push('a')
    expect(queue.isEmpty).toBe(false)
    const batch = queue.take()
    expect(queue.isEmpty).toBe(false)
    queue.refused(batch, refusal())
    expect([queue.isEmpty, queue.batch]).toEqual([true, null])
    await expect(sent).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT' })
  })
})

describe('the sequence of a producer on a partition', () => {
  const identity = { producerId: 7, producerEpoch: 2 }
  const sequenceOf = (queue: PartitionQueue) => readBatchHeader(queue.encode(queue.take(), false)).baseSequence

  it('moves on by the records that were delivered, not by those that were refused', () => {
    const { queue, push } = opened()
    queue.identify(identity)
    for (const text of ['a', 'b', 'c']) void push(text)
    expect(sequenceOf(queue)).toBe(0)
    queue.delivered(queue.take(), delivery)
    push('refused').catch(() => undefined)
    expect(sequenceOf(queue)).toBe(3)
    queue.refused(queue.take(), refusal())
    void push('d')
    expect(sequenceOf(queue)).toBe(3)
  })

  it('begins at 0 with a new identity', () => {
    const { queue, push } = opened()
    queue.identify(identity)
    void push('a')
    queue.delivered(queue.take(), delivery)
    queue.identify({ producerId: 8, producerEpoch: 0 })
    void push('b')
    expect(readBatchHeader(queue.encode(queue.take(), true))).toMatchObject({
      producerId: 8,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    })
  })

  it('goes from 2^31 - 1 to 0', () => {
    const { queue, push } = opened()
    queue.identify(identity)
    // As long as so many records, without their memory.
    const passed = (count: number) => {
      const records = { length: count, entries: () => [].entries() } as unknown as Batch['records']
      queue.delivered({ ...queue.take(), records }, delivery)
    }
    void push('many')
    passed(2 ** 31 - 1)
    void push('last')
    expect(sequenceOf(queue)).toBe(2 ** 31 - 1)
    passed(1)
    void push('first')
    expect(sequenceOf(queue)).toBe(0)
  })

  it('is in the bytes of the first attempt, which every other one sends again', () => {
    const { queue, push } = opened()
    queue.identify(identity)
    void push('a')
    const bytes = queue.encode(queue.take(), false)
    queue.identity = { producerId: 8, producerEpoch: 0 }
    expect(queue.encode(queue.take(), false)).toBe(bytes)
    queue.encodeAgain(queue.take())
    expect(readBatchHeader(queue.encode(queue.take(), false)).producerId).toBe(8)
  })

  it('is not there without an identity', () => {
    const { queue, push } = opened()
    void push('a')
    expect(readBatchHeader(queue.encode(queue.take(), false))).toMatchObject({ producerId: -1, producerEpoch: -1 })
  })
})

describe('a delivered batch', () => {
  it('tells each record its offset, and its own time unless the log has set one', async () => {
    const { queue, push } = opened()
    const sent = [push('a'), push('b')]
    queue.delivered(queue.take(), delivery)
    const at = { topic: 't', partition: 3, timestamp }
    expect(await Promise.all(sent)).toEqual([[{ ...at, offset: 40 }], [{ ...at, offset: 41 }]])
    const later = push('c')
    queue.delivered(queue.take(), { baseOffset: 0, logAppendTime: 0 })
    expect(await later).toEqual([{ ...at, offset: 0, timestamp: 0 }])
  })

  it('tells no offset if the log told none', async () => {
    const { queue, push } = opened()
    const sent = [push('a'), push('b')]
    queue.delivered(queue.take(), { baseOffset: -1, logAppendTime: -1 })
    expect((await Promise.all(sent)).flat().map(({ offset }) => offset)).toEqual([-1, -1])
  })
})

describe('a batch that is too large for the log', () => {
  it('is sent in halves, before what came later and in its order', () => {
    const { queue, push } = opened()
    for (const text of ['a', 'b', 'c', 'd']) void push(text, { bytes: 25 })
    const batch = queue.take()
    void push('e', { bytes: 25 })
    expect(queue.split(batch)).toBe(true)
    const sent: string[][] = []
    while (!queue.isEmpty) {
      const next = queue.take()
      sent.push(textsOf(next))
      expect(readBatchHeader(queue.encode(next, false)).baseSequence).toBe(sent.flat().length - textsOf(next).length)
      expect(decodeRecords(queue.encode(next, false))).toHaveLength(next.records.length)
      queue.delivered(next, delivery)
    }
    expect(sent).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  })

  it('is not split if it is one record, and stays the batch to send', () => {
    const { queue, push } = opened()
    void push('a', { bytes: maxBatchBytes + 1 })
    const batch = queue.take()
    expect(queue.split(batch)).toBe(false)
    expect(queue.take()).toBe(batch)
  })
})

describe('records whose time is up', () => {
  it('fail at their deadline and not before it, and give back their bytes', async () => {
    const { queue, push } = opened()
    const late = [push('a', { deadline: 20, bytes: 3 }), push('b', { deadline: 20, bytes: 4 })]
    const inTime = push('c', { deadline: 21 })
    expect(queue.expire(refusal, 19)).toBe(0)
    expect(queue.expire(refusal, 20)).toBe(7)
    for (const one of late) await expect(one).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT', outcome: 'not-written' })
    const batch = queue.take()
    expect(textsOf(batch)).toEqual(['c'])
    queue.delivered(batch, delivery)
    await expect(inTime).resolves.toHaveLength(1)
  })

  it('are all that have no batch, when no time is given', async () => {
    const { queue, push } = opened()
    const inFlight = push('a', { bytes: maxBatchBytes })
    const waiting = push('b', { deadline: Number.POSITIVE_INFINITY, bytes: 5 })
    const batch = queue.take()
    expect(queue.expire(refusal)).toBe(5)
    await expect(waiting).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT' })
    expect(queue.take()).toBe(batch)
    queue.delivered(batch, delivery)
    await expect(inFlight).resolves.toHaveLength(1)
  })
})
