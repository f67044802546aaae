/** One reader of a simulated process: what it gets, and when, is the choice of the scheduler. */
import { type FetchedRecords, keyOf, type ReceivedRecord, type TopicPartition } from '@streampay/kafka'
import { StreamsError } from '../../packages/streams/src/errors.ts'
import type { LogReader } from '../../packages/streams/src/log/stream-log.ts'
import type { StoredPartition } from '../../packages/streams/test/support/stored-log.ts'
import type { Cluster } from './cluster.ts'
import type { App } from './faults.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** How long a read waits for something new. */
const pollMs = 500

const mostFetched = [1, 2, 3, 8, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]

type Place = { readonly stored: StoredPartition; offset: number; paused: boolean }

export class SimulatedReader implements LogReader {
  readonly #process: SimulatedProcess
  readonly #app: App
  readonly #cluster: Cluster
  readonly #isLent: boolean
  /** The records that were returned last, if they are only lent. */
  #lent: ReceivedRecord[] = []
  #places = new Map<string, Place>()
  #closed = false

  constructor(process: SimulatedProcess, app: App, isLent: boolean) {
    this.#process = process
    this.#app = app
    this.#isLent = isLent
    this.#cluster = process.cluster
  }

  assign(positions: ReadonlyArray<TopicPartition & { offset: number }>): void {
    const placed = positions.map(
      (at) => [keyOf(at), { stored: this.#cluster.stored.partition(at), offset: at.offset, paused: false }] as const,
    )
    this.#places = new Map(placed)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#set(partitions, true)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#set(partitions, false)
  }

  async poll(): Promise<readonly FetchedRecords[]> {
    const dueAt = this.#cluster.scheduler.elapsed + pollMs
    const wire = { app: this.#app, point: 'poll' } as const
    this.#takeBack()
    const fetched = await this.#process.call(wire, () => this.#fetch(), { ready: () => this.#hasNews(), dueAt })
    if (this.#closed) return []
    return this.#isLent ? fetched.map((one) => this.#lend(one)) : fetched
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#takeBack()
    await this.#process.call({ app: this.#app, point: 'close' }, () => undefined)
  }

  #lend(fetched: FetchedRecords): FetchedRecords {
    const copy = (bytes: Buffer | null) => (bytes === null ? null : Buffer.from(bytes))
    const records = fetched.records.map((record) => {
      return { ...record, key: copy(record.key), value: copy(record.value), headers: [] }
    })
    this.#lent.push(...records)
    return { ...fetched, records }
  }

  /** Overwrites lent records: a reader that kept them finds rubbish. */
  #takeBack(): void {
    for (const { key, value } of this.#lent) {
      key?.fill('?')
      value?.fill('?')
    }
    this.#lent = []
  }

  #set(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const at of partitions) {
      const place = this.#places.get(keyOf(at))
      if (place !== undefined) place.paused = paused
    }
  }

  #hasNews(): boolean {
    if (this.#closed) return true
    for (const { stored, offset, paused } of this.#places.values()) {
      if (!paused && (offset < stored.stableEnd || offset < stored.logStart)) return true
    }
    return false
  }

  #fetch(): FetchedRecords[] {
    const { random, stored, duties } = this.#cluster
    const fetched: FetchedRecords[] = []
    if (this.#closed) return fetched
    for (const [key, place] of this.#places) {
      const { stored: partition, offset, paused } = place
      if (paused || offset === partition.stableEnd) continue
      if (offset < partition.logStart || offset > partition.end) {
        throw new StreamsError('STREAMS_INPUT_GAP', `${key}: ${offset} is not in the log`)
      }
      // Brokers answer for some partitions sooner than for others.
      if (random.chance(0.25)) continue
      const one = stored.fetch(partition, offset, { limit: random.pick(mostFetched), filter: duties.filter })
      place.offset = one.position
      if (one.position !== offset) fetched.push(one)
    }
    return fetched
  }
}
