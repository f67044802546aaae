import { memoryStore } from '@streampay/local-store/memory'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openReplyFinder } from '../src/commands/reply-finder.ts'
import type { ViewRoute } from '../src/index.ts'
import type { Follower } from '../src/views/follower.ts'
import { OffsetIndex } from '../src/views/offset-index.ts'
import { LogTimes } from '../src/views/period.ts'
import { type FeedOptions, TopicFeed } from '../src/views/topic-feed.ts'
import { ValueCache } from '../src/views/value-cache.ts'
import { ValueReader } from '../src/views/value-reader.ts'
import { View } from '../src/views/view.ts'
import { viewRecordOf } from '../src/views/view-record.ts'
import { breakBatch } from './support/broken-batch.ts'
import { definition, headers } from './support/definition.ts'
import { type KeptLog, openKeptLog } from './support/test-log.ts'

const patience = { timeout: 15_000 }
const topicOf = (name: string) => definition.topics.find((topic) => topic.name === name)!
let log: KeptLog

beforeAll(async () => {
  log = await openKeptLog([...definition.topics, { ...topicOf('news'), name: 'kept' }], 1)
})
afterAll(() => log.close())

type Watched = {
  readonly feed: TopicFeed
  readonly seen: string[]
  readonly passedOver: () => number
  readonly restarts: () => number
  readonly lines: readonly string[]
}

/** A feed whose follower fails on values that say so. */
async function follow(topic: string, options: Partial<FeedOptions> = {}): Promise<Watched> {
  const seen: string[] = []
  const lines: string[] = []
  let passedOver = 0
  let restarts = 0
  const feed = new TopicFeed({
    cluster: log.cluster,
    admin: log.admin,
    topic: topicOf(topic),
    logger: pino({}, { write: (line: string) => void lines.push(line) }),
    from: 'beginning',
    onUndecodable: 'stop',
    follower: {
      onRecord: ({ value }) => {
        if (value?.includes('poison')) throw new Error('the view has a bug')
        seen.push(String(value))
      },
      onBatchEnd: () => undefined,
      onRestart: () => {
        seen.splice(0)
        restarts++
      },
      onPassedOver: () => passedOver++,
    },
    ...options,
  })
  await feed.start()
  return { feed, seen, passedOver: () => passedOver, restarts: () => restarts, lines }
}

/** As the monitor does: where the topic ends now. */
async function noteEnds(feed: TopicFeed): Promise<void> {
  const partitions = [{ topic: feed.topic.name, partition: 0 }]
  const [end] = await log.admin.listOffsets(partitions, 'latest', 'read_committed')
  feed.noteEnds([end?.offset ?? 0], 1)
}

describe('a feed whose follower throws', () => {
  it('tells it of all other records, and says which one it failed on', async () => {
    // Everything that was polled together with the record used to be lost without a word.
    const records = ['1', '2', 'poison', '4', '5'].map((value) => ({ topic: 'news', key: 'k', value }))
    const [first] = await log.producer.send(records)
    const { feed, seen, passedOver, lines } = await follow('news')
    await expect.poll(() => seen, patience).toEqual(['1', '2', '4', '5'])
    await log.put('news', 'k', '6')
    await expect.poll(() => seen.at(-1), patience).toBe('6')
    await noteEnds(feed)
    expect([passedOver(), feed.caughtUp]).toEqual([1, true])
    const failed = lines.map((line) => JSON.parse(line) as { offset?: number; level: number; topic: string })
    expect(failed).toMatchObject([{ level: 50, topic: 'news', offset: (first?.offset ?? 0) + 2 }])
    await feed.close()
  })
})

type When = Parameters<NonNullable<Follower['keep']>>[0]

describe('a feed whose follower keeps what it is told', () => {
  /** What the follower is asked, in this order. */
  function follower(keep: (when: When) => void) {
    const asked: string[] = []
    return {
      asked,
      follower: {
        onRecord: ({ value }: { readonly value: Buffer | null }) => void asked.push(String(value)),
        keep: (when: When) => {
          keep(when)
          asked.push(`keep ${when}`)
          return undefined
        },
        forget: () => void asked.push('forget'),
        onBatchEnd: () => void asked.push('tell'),
        onRestart: () => void asked.push('restart'),
        onPassedOver: () => undefined,
      },
    }
  }

  it('is not caught up before its records are stored, and passes on none that could not be stored', async () => {
    let isFull = false
    const keeping = follower(() => {
      if (isFull) throw new Error('the disk is full')
    })
    const { feed, lines } = await follow('kept', {
      follower: keeping.follower,
      topic: { ...topicOf('news'), name: 'kept' },
    })
    await log.put('kept', 'k', '1')
    await expect.poll(() => keeping.asked, patience).toEqual(['1', 'keep some-time', 'tell'])
    await noteEnds(feed)
    // Until somebody may read, it is kept when the follower likes.
    expect([feed.caughtUp, keeping.asked.at(-1)]).toEqual([true, 'keep at-once'])
    isFull = true
    await log.put('kept', 'k', '2')
    await expect.poll(() => feed.isUnkept, patience).toBe(true)
    await noteEnds(feed)
    expect([feed.caughtUp, keeping.asked.slice(-2)]).toEqual([false, ['keep at-once', '2']])
    isFull = false
    await expect.poll(() => keeping.asked.join(), patience).toContain('keep at-once,2,keep at-once,tell')
    await noteEnds(feed)
    expect([feed.caughtUp, lines.some((line) => line.includes('cannot be stored'))]).toEqual([true, true])
    await feed.close()
  })

  it('stores nothing between the moment when it becomes invalid and its new start', async () => {
    const keeping = follower(() => undefined)
    const { feed } = await follow('kept', { follower: keeping.follower, topic: { ...topicOf('news'), name: 'kept' } })
    await expect.poll(() => keeping.asked.at(-1), patience).toBe('tell')
    const { length } = keeping.asked
    feed.noteSetAside({ partition: 0, offset: 0 })
    await noteEnds(feed)
    await expect.poll(() => keeping.asked.slice(length, length + 3), patience).toEqual(['forget', 'restart', '1'])
    await feed.close()
  })
})

describe('a slice that is being kept', () => {
  const newTopic = { ...topicOf('news'), name: 'slices' }

  /** A view of everybody's news whose rows are written when `write` is called. */
  async function slowView() {
    const store = memoryStore()
    const index = new OffsetIndex(store.table('rows'), 0)
    let held: PromiseWithResolvers<void> | undefined
    const write = () => {
      store.write((batch) => index.write(batch))
      index.settle()
    }
    const { feed } = await follow('slices', {
      topic: newTopic,
      follower: {
        onRecord: (record) => index.add('*', record.partition, record.offset),
        keep: (when) => {
          if (when !== 'together') return void write()
          held = Promise.withResolvers()
          return held.promise.then(write)
        },
        onBatchEnd: () => undefined,
        onRestart: () => undefined,
        onPassedOver: () => undefined,
      },
    })
    const values = new ValueReader({
      cluster: log.cluster,
      topic: 'slices',
      cache: new ValueCache(1024 * 1024),
      onUndecodable: 'stop',
      decode: (received) => viewRecordOf(received, new Set()),
    })
    const route: ViewRoute = { kind: 'view', path: '/news', summary: '', scope: 'read', topic: 'slices', show: 'list' }
    const view = new View(route, feed, { kind: 'index', index, values, times: new LogTimes(log.admin) })
    return {
      feed,
      view,
      isHeld: () => held !== undefined,
      letGo: () => held?.resolve(),
      close: () => Promise.all([feed.close(), values.close()]),
    }
  }

  it('can be waited for by a stream that continues at its end, and by the writer of the record', async () => {
    await log.admin.createTopics([{ name: 'slices', partitions: 1, replicationFactor: 1, configs: newTopic.config }])
    const { feed, view, isHeld, letGo, close } = await slowView()
    feed.noteEnds([0], 1)
    await log.put('slices', 'k', { n: 1 })
    await expect.poll(isHeld, patience).toBe(true)
    expect(feed.positions).toEqual([1])
    const access = { channel: '*', shared: true, shows: () => true }
    const ofLast = view.history(access, { from: undefined, last: 10 })
    const ofRange = view.history(access, { from: [0], last: undefined })
    const reached = feed.reached([1], 10_000)
    letGo()
    for (const history of [await ofLast, await ofRange]) {
      expect(history.upTo).toEqual([1])
      expect((await Array.fromAsync(history.batches())).flat().map(({ record }) => record.value)).toEqual(['{"n":1}'])
    }
    expect(await reached).toBe(true)
    await close()
  })
})

describe('a feed that is told of another topic id', () => {
  it('reads everything again, though it was waiting for records', async () => {
    // What it was given first of the new topic was taken for something of the old one, and was lost.
    await log.put('scores', 'a', '{"score":1}')
    await log.put('scores', 'b', '{"score":2}')
    const { feed, seen, restarts } = await follow('scores')
    await expect.poll(() => seen, patience).toHaveLength(2)
    feed.noteTopicId('00000000-0000-4000-8000-000000000001')
    await expect.poll(restarts, patience).toBe(1)
    await expect.poll(() => seen, patience).toEqual(['{"score":1}', '{"score":2}'])
    await noteEnds(feed)
    expect(feed.caughtUp).toBe(true)
    await feed.close()
  })
})

describe('a batch that cannot be decoded', () => {
  it('is skipped where any client may write, and counted', async () => {
    const broken = await log.put('profiles', 'a', '{"id":"a","name":"A"}')
    await log.put('profiles', 'b', '{"id":"b","name":"B"}')
    await breakBatch(log, broken)
    const { feed, seen, passedOver } = await follow('profiles', { onUndecodable: 'skip' })
    await expect.poll(() => seen, patience).toEqual(['{"id":"b","name":"B"}'])
    await noteEnds(feed)
    expect([passedOver(), feed.caughtUp, feed.isStopped]).toEqual([1, true, false])
    await feed.close()
  })

  it('stops the views of a topic that must be whole: they are not ready, and say so', async () => {
    await log.put('entries', 'a', '{"n":1}')
    const broken = await log.put('entries', 'a', '{"n":2}')
    await log.put('entries', 'a', '{"n":3}')
    await breakBatch(log, broken)
    const { feed, seen, lines } = await follow('entries')
    await expect.poll(() => feed.isStopped, patience).toBe(true)
    await noteEnds(feed)
    expect([seen, feed.caughtUp]).toEqual([['{"n":1}'], false])
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 50, topic: 'entries', partition: 0, baseOffset: broken.offset },
    ])
    await feed.close()
  })
})

describe('a search for a reply', () => {
  it('continues behind a batch that cannot be decoded', async () => {
    await log.put('tasks', 'k', '{}')
    const broken = await log.put('tasks', 'k', '{}')
    const found = { [headers.correlationId]: 'wanted', [headers.status]: '200', [headers.replyIdentity]: 'ada' }
    await log.put('tasks', 'k', '{"n":1}', found)
    await breakBatch(log, broken)
    const find = openReplyFinder({ ...log, topic: 'tasks', partitionCount: () => 1, headers })
    expect(await find('wanted', 0)).toMatchObject({ status: 200 })
  })
})

describe('a reader of single values', () => {
  function readerOf(topic: string): ValueReader {
    const decode = (record: Parameters<typeof viewRecordOf>[0]) => viewRecordOf(record, new Set())
    const cache = new ValueCache(1_000)
    return new ValueReader({ cluster: log.cluster, topic, cache, decode, onUndecodable: 'stop' })
  }

  it('settles when the topic was made again and ends before the offset', async () => {
    // It read the new topic from its start for ever, waiting for an offset that was not to come.
    await log.put('replies', 'k', '1')
    await log.put('replies', 'k', '2')
    const values = readerOf('replies')
    expect(await values.read(0, Float64Array.of(5, 6))).toEqual([])
    expect((await values.read(0, Float64Array.of(1))).map(({ value }) => value)).toEqual(['2'])
    await values.close()
  })

  it('leaves out what lies below the start of the log, and gives the rest', async () => {
    for (const n of [0, 1, 2, 3]) await log.put('commands', 'k', String(n))
    await log.admin.deleteRecords([{ topic: 'commands', partition: 0, beforeOffset: 2 }])
    const values = readerOf('commands')
    expect((await values.read(0, Float64Array.of(0, 1, 2, 3))).map(({ value }) => value)).toEqual(['2', '3'])
    expect(await values.read(0, Float64Array.of(0))).toEqual([])
    await values.close()
  })
})
