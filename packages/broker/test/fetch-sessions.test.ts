/** Fetch sessions (KIP-227) as a client sees them on the wire; packages/kafka/test has the client that uses them. */
import { apis, errors, type RequestInputOf } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { FetchSessions } from '../src/apis/fetch-sessions.ts'
import type { Broker } from '../src/index.ts'
import { valuesOf } from './support/batches.ts'
import { createTopic, produceOne, testBroker, type WireClient, wireClient } from './support/test-broker.ts'

const version = 12

type Asked = { readonly partition: number; readonly offset?: number; readonly topic?: string }
type Options = {
  readonly id?: number
  readonly epoch?: number
  readonly asked?: readonly Asked[]
  readonly forgotten?: readonly number[]
  readonly maxWaitMs?: number
  readonly maxBytes?: number
}

function requestOf(options: Options): RequestInputOf<typeof apis.fetch> {
  const { id = 0, epoch = 0, asked = [], forgotten = [], maxWaitMs = 0, maxBytes = 1_000_000 } = options
  const topics = Map.groupBy(asked, ({ topic = 'events' }) => topic)
  return {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    sessionId: id,
    sessionEpoch: epoch,
    topics: [...topics].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition, offset = 0 }) => ({
        partition,
        fetchOffset: offset,
        partitionMaxBytes: 1_000_000,
      })),
    })),
    forgottenTopicsData: forgotten.length === 0 ? [] : [{ topic: 'events', partitions: [...forgotten] }],
  }
}

/** The result of each partition: its values, or its error. */
async function ask(client: WireClient, options: Options) {
  const { errorCode, sessionId, responses } = await client.call(apis.fetch, requestOf(options), version)
  const told = responses.flatMap(({ partitions }) =>
    partitions.map(({ partitionIndex, errorCode: code, records }) => {
      return [partitionIndex, code === errors.NONE ? valuesOf(records ?? Buffer.alloc(0)).join() : code]
    }),
  )
  return { errorCode, id: sessionId, told }
}

async function withTopic(partitions = 4): Promise<{ client: WireClient; broker: Broker }> {
  const broker = await testBroker()
  const client = await wireClient(broker)
  await createTopic(client, 'events', partitions)
  return { client, broker }
}

const all = [0, 1, 2, 3].map((partition) => ({ partition }))

describe('a fetch session', () => {
  it('returns all partitions at first, then those with news, and keeps those that are not named again', async () => {
    const { client } = await withTopic()
    await produceOne(client, { topic: 'events', partition: 2, value: 'a' })
    const first = await ask(client, { asked: all })
    expect(first.id).toBeGreaterThan(0)
    expect(first.told).toEqual([
      [0, ''],
      [1, ''],
      [2, 'a'],
      [3, ''],
    ])
    const { id } = first
    // Its offset has not moved: its records are returned again, since a client may not have kept them.
    expect(await ask(client, { id, epoch: 1 })).toEqual({ errorCode: 0, id, told: [[2, 'a']] })
    expect((await ask(client, { id, epoch: 2, asked: [{ partition: 2, offset: 1 }] })).told).toEqual([])
    await produceOne(client, { topic: 'events', partition: 1, value: 'b' })
    expect((await ask(client, { id, epoch: 3 })).told).toEqual([[1, 'b']])
  })

  it('waits for partitions that were named before', async () => {
    const { client, broker } = await withTopic()
    const { id } = await ask(client, { asked: all })
    const waiting = ask(client, { id, epoch: 1, maxWaitMs: 60_000 })
    await produceOne(await wireClient(broker), { topic: 'events', partition: 3, value: 'late' })
    expect((await waiting).told).toEqual([[3, 'late']])
  })

  it('adds partitions, and removes them', async () => {
    const { client } = await withTopic()
    for (const partition of [0, 1]) await produceOne(client, { topic: 'events', partition, value: `p${partition}` })
    const { id } = await ask(client, { asked: [{ partition: 2 }] })
    expect((await ask(client, { id, epoch: 1, asked: [{ partition: 0 }, { partition: 1 }] })).told).toEqual([
      [0, 'p0'],
      [1, 'p1'],
    ])
    expect((await ask(client, { id, epoch: 2, forgotten: [0] })).told).toEqual([[1, 'p1']])
  })

  it('returns an error each time, as long as it lasts', async () => {
    const { client } = await withTopic(1)
    const { id } = await ask(client, { asked: [{ partition: 0 }, { partition: 7 }] })
    for (const epoch of [1, 2]) {
      expect((await ask(client, { id, epoch })).told).toEqual([[7, errors.UNKNOWN_TOPIC_OR_PARTITION]])
    }
  })

  it('reads the other partitions before the one that has just had data', async () => {
    const { client } = await withTopic()
    for (const { partition } of all) {
      for (const value of ['x', 'y']) {
        await produceOne(client, { topic: 'events', partition, value: value.repeat(100) })
      }
    }
    const { id, told } = await ask(client, { asked: all, maxBytes: 10 })
    const seen = [told.find(([, value]) => value !== '')?.[0]]
    for (let epoch = 1; epoch < 4; epoch++) {
      const { told: next } = await ask(client, { id, epoch, maxBytes: 10 })
      seen.push(next.find(([, value]) => value !== '')?.[0])
    }
    expect(seen).toEqual([0, 1, 2, 3])
  })

  it('is refused with a wrong epoch or id, on another connection, and after its end', async () => {
    const { client, broker } = await withTopic()
    const unknown = { errorCode: errors.FETCH_SESSION_ID_NOT_FOUND, id: 0, told: [] }
    const { id } = await ask(client, { asked: all })
    expect(await ask(client, { id: id + 1, epoch: 1 })).toEqual(unknown)
    expect(await ask(client, { id: 0, epoch: 1 })).toEqual(unknown)
    expect(await ask(await wireClient(broker), { id, epoch: 1 })).toEqual(unknown)
    expect((await ask(client, { id, epoch: 2 })).errorCode).toBe(errors.INVALID_FETCH_SESSION_EPOCH)
    expect((await ask(client, { id, epoch: 1 })).errorCode).toBe(errors.NONE)
    expect((await ask(client, { id, epoch: 1 })).errorCode).toBe(errors.INVALID_FETCH_SESSION_EPOCH)
    // The end: all named partitions, and no session any more.
    expect(await ask(client, { id, epoch: -1, asked: [{ partition: 1 }] })).toEqual({
      errorCode: 0,
      id: 0,
      told: [[1, '']],
    })
    expect(await ask(client, { id, epoch: 2 })).toEqual(unknown)
  })

  it('is replaced by a new one on the same connection', async () => {
    const { client } = await withTopic()
    const { id } = await ask(client, { asked: all })
    const anew = await ask(client, { id, asked: [{ partition: 1 }] })
    expect([anew.id === id, anew.told]).toEqual([false, [[1, '']]])
    expect((await ask(client, { id: anew.id, epoch: 1 })).errorCode).toBe(errors.NONE)
  })

  it('is not created without partitions, nor if none is requested', async () => {
    const { client } = await withTopic()
    expect((await ask(client, { asked: [] })).id).toBe(0)
    expect((await ask(client, { asked: all, epoch: -1 })).id).toBe(0)
  })
})

describe('the bound on sessions', () => {
  const connection = () => {
    const gone = new AbortController()
    return { gone, client: { closed: gone.signal } as never }
  }
  const request = (partitions: number, options: Options = {}) =>
    ({
      ...requestOf({ asked: Array.from({ length: partitions }, (_, partition) => ({ partition })), ...options }),
    }) as never

  it('holds for one and for all, and ends with the connection', () => {
    const sessions = new FetchSessions()
    expect(sessions.open(request(10_001), connection().client)).toBeUndefined()
    const connections = Array.from({ length: 21 }, connection)
    const opened = connections.map(({ client }) => sessions.open(request(10_000), client) !== undefined)
    expect(opened).toEqual([...Array.from({ length: 20 }, () => true), false])
    connections[0]?.gone.abort()
    expect(sessions.open(request(10_000), connection().client)).toBeDefined()
    expect(sessions.open(request(1), connection().client)).toBeUndefined()
  })

  it('ends a session that grows beyond it', () => {
    const sessions = new FetchSessions()
    const { client } = connection()
    const session = sessions.open(request(10_000), client)
    const more = request(0, { id: session?.id ?? 0, epoch: 1, asked: [{ topic: 'more', partition: 0 }] })
    expect(() => sessions.next(more, client)).toThrow('too large')
    expect(() => sessions.next(more, client)).toThrow('no session')
    // Its share is free again.
    const connections = Array.from({ length: 20 }, connection)
    expect(connections.every((each) => sessions.open(request(10_000), each.client) !== undefined)).toBe(true)
  })

  it('begins its epochs again after the largest', () => {
    const sessions = new FetchSessions()
    const { client } = connection()
    const id = sessions.open(request(1), client)?.id ?? 0
    for (let epoch = 1; epoch < 1_000; epoch++) sessions.next(request(0, { id, epoch, asked: [] }), client)
    expect(() => sessions.next(request(0, { id, epoch: 1, asked: [] }), client)).toThrow(
      'the epoch is 1, but 1000 was expected',
    )
  })
})
