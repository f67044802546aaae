/** The first reading of the global tables, on a log whose every answer a test gives, and on the test's clock. */
import type { FetchedRecords } from '@streampay/kafka'
import { memoryStore } from '@streampay/local-store/memory'
import { describe, expect, it } from 'vitest'
import type { StreamClock } from '../../src/log/stream-clock.ts'
import type { LogReader, StreamLog } from '../../src/log/stream-log.ts'
import { streamsMetrics } from '../../src/runtime/metrics.ts'
import { TableFollower } from '../../src/runtime/table-follower.ts'
import { LocalState } from '../../src/state/local-state.ts'
import { text } from '../support/bank.ts'
import { silent } from '../support/unobserved.ts'

const stallTimeoutMs = 60_000
const end = 1_000

class HandClock implements StreamClock {
  #elapsed = 0
  #timers: { readonly at: number; readonly action: () => void }[] = []

  now(): number {
    return this.#elapsed
  }

  elapsed(): number {
    return this.#elapsed
  }

  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#elapsed + ms, action }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Timers fire in their order, also those that other timers set. */
  advance(ms: number): void {
    const until = this.#elapsed + ms
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > until) break
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#elapsed = next.at
      next.action()
    }
    this.#elapsed = until
  }
}

function openFollower(prepare: (state: LocalState) => void = () => undefined) {
  const state = new LocalState(memoryStore(), { maxCacheBytes: 1_000 })
  prepare(state)
  const clock = new HandClock()
  let answer = Promise.withResolvers<readonly FetchedRecords[]>()
  const asked: PromiseWithResolvers<void>[] = [Promise.withResolvers<void>()]
  const reader: LogReader = {
    assign: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    poll: () => {
      answer = Promise.withResolvers()
      asked.at(-1)?.resolve()
      return answer.promise
    },
    close: async () => answer.resolve([]),
  }
  const log: Pick<StreamLog, 'offsets' | 'openReader'> = {
    offsets: async (partitions, which) =>
      new Map(partitions.map((at) => [`${at.topic}/${at.partition}`, which === 'start' ? 0 : end])),
    openReader: () => reader,
  }
  const follower = new TableFollower({
    definitions: [{ name: 'people', topic: 'people', value: text }],
    partitionCounts: new Map([['people', 2]]),
    log: log as StreamLog,
    logger: silent,
    metrics: streamsMetrics(undefined, 'test'),
    stallTimeoutMs,
    maxAgeMs: Number.MAX_SAFE_INTEGER,
    clock,
    state,
    topicIds: new Map([['people', '1']]),
    checkEveryMs: Number.MAX_SAFE_INTEGER,
    onFailed: (error) => {
      throw error
    },
  })
  /** The log's next answer, applied. */
  const bring = async (partition: number, position: number) => {
    await asked.at(-1)?.promise
    asked.push(Promise.withResolvers())
    const marks = { highWatermark: position, lastStableOffset: position, logStartOffset: 0 }
    answer.resolve([{ topic: 'people', partition, records: [], position, ...marks }])
    await asked.at(-1)?.promise
  }
  return { follower, clock, bring, opened: follower.open() }
}

describe('the first reading of global tables', () => {
  // A process that was asked to stop while it compared its tables with the log ended as if it had failed.
  it('is over when it is closed, also while what is on the disk is compared with the log', async () => {
    const last = { offset: 499, checksum: 0 }
    const { follower, opened } = openFollower((state) => {
      const note = { tables: '', completeAt: 0, partitions: { 0: { topicId: '1', position: 500, last } } }
      state.write((batch) => state.putNote(batch, 'topic/people', note))
    })
    await follower.close()
    await opened
  })

  // It had to end within a fixed time, so that a directory which was large enough made every start impossible.
  it('may take any time, as long as some partition that is behind continues', async () => {
    const { follower, clock, bring, opened } = openFollower()
    for (let position = 100; position <= end; position += 100) {
      await bring(0, position)
      clock.advance(stallTimeoutMs - 1)
      await bring(1, position)
      clock.advance(stallTimeoutMs - 1)
    }
    await opened
    await follower.close()
  })

  it('ends when no partition that is behind has gone on for its time, whatever the others do', async () => {
    const { follower, clock, bring, opened } = openFollower()
    await bring(0, end)
    await bring(1, 500)
    const stalled = expect(opened).rejects.toMatchObject({
      code: 'STREAMS_RESTORE_STALLED',
      message: 'The global tables made no progress for 60000 ms at people/1 (500 of 1000).',
    })
    for (let second = 0; second < 66; second++) {
      await bring(0, end + second + 1)
      clock.advance(1_000)
    }
    await stalled
    await follower.close()
  })
})
