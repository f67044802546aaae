/**
 * Stores in their layers compared with one simple Map: after any writes, undos, aborts, commits, flushes, expiries and evictions from the
 * cache, a read returns what the Map has.
 */
import { memoryStore } from '@streampay/local-store/memory'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { StoreDefinition } from '../../src/index.ts'
import { LocalState } from '../../src/state/local-state.ts'
import { changelogRecords, type Journal, StateStore, undoTo } from '../../src/state/state-store.ts'
import { json } from '../support/bank.ts'

const afterMs = 1_000

type Step =
  | { readonly do: 'set'; readonly key: number; readonly value: number }
  | { readonly do: 'delete'; readonly key: number }
  | { readonly do: 'mark' | 'undo' | 'commit' | 'abort' | 'flush' | 'restart' }
  | { readonly do: 'set-late'; readonly key: number; readonly lateMs: number }
  | { readonly do: 'pass'; readonly ms: number }
  | {
      readonly do: 'range'
      readonly from: number
      readonly to: number
      readonly reverse: boolean
      readonly limit: number
    }

/** Mostly the same few keys, so that many steps affect one key. */
const key = fc.oneof(fc.nat(2), fc.nat(11))
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), key, value: fc.nat(99) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('set-late' as const), key, lateMs: fc.nat(2 * afterMs) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom('mark', 'mark', 'undo', 'undo', 'commit', 'abort', 'flush', 'restart' as const),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 250, 500, 750) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('range' as const),
        from: key,
        to: key,
        reverse: fc.boolean(),
        limit: fc.integer({ min: 1, max: 6 }),
      }),
    },
  ),
  // Without the size, most of them would be of a few steps.
  { maxLength: 60, size: 'max' },
)

/** Keys of all kinds: of which one begins another, long ones, those of which UTF-8 and UTF-16 have another order. */
const texts = [
  'a',
  'ab',
  'b',
  '\uffee',
  '\u{1f600}',
  'é',
  'x'.repeat(993),
  'x'.repeat(994),
  'y'.repeat(5_000),
  'Z',
  '~',
  'aa',
]
/** In the order of their bytes, as one of them is asked for. */
const digests = texts.map((_, index) => Buffer.from([index * 20, 255 - index, 0, index]))
const binary = { encode: (bytes: Buffer) => bytes, decode: (bytes: Buffer) => bytes }

type Entry = { readonly value: number; readonly at: number }

class Sut<K> {
  readonly definition: StoreDefinition<number, K>
  readonly local = memoryStore()
  store: StateStore
  readonly journal: Journal = { entries: [], timestamp: 0, admit: () => undefined }
  time = 0

  constructor(options: Pick<StoreDefinition<number, K>, 'key' | 'expires'>) {
    this.definition = { name: 'numbers', value: json<number>(), ...options }
    this.store = this.open()
  }

  open(): StateStore {
    // So little that values are read back all the time.
    const state = new LocalState(this.local, { maxCacheBytes: 700 })
    const kept = state.storeTable(0, 'numbers', { expires: this.definition.expires !== undefined })
    const { definition, journal } = this
    return new StateStore({
      definition,
      changelog: 'changelog',
      journal,
      freezeValues: true,
      time: () => this.time,
      ...kept,
    })
  }

  flush(): void {
    this.local.write((batch) => this.store.flush(batch, this.time))
    this.store.flushed()
  }
}

function check<K>(sut: Sut<K>, keys: readonly K[], history: readonly Step[]): void {
  const bytesOf = (key: K) => (Buffer.isBuffer(key) ? key : Buffer.from(String(key)))
  const order = (a: number, b: number) => Buffer.compare(bytesOf(keys[a]!), bytesOf(keys[b]!))
  const expires = sut.definition.expires !== undefined
  let committed = new Map<number, Entry>()
  let written = new Map<number, Entry>()
  const marks: { length: number; entries: Map<number, Entry> }[] = []
  const isAlive = ({ at }: Entry) => !expires || at + afterMs > sut.time
  const alive = () => [...written].filter(([, entry]) => isAlive(entry)).sort(([a], [b]) => order(a, b))
  const run = (step: Step) => {
    switch (step.do) {
      case 'set':
        sut.journal.timestamp = sut.time
        sut.store.set(keys[step.key], step.value)
        return written.set(step.key, { value: step.value, at: sut.time })
      case 'set-late':
        // A record whose writer's clock is behind: what it leaves lives from now on.
        sut.journal.timestamp = sut.time - step.lateMs
        sut.store.set(keys[step.key], step.lateMs)
        return written.set(step.key, { value: step.lateMs, at: sut.time })
      case 'delete':
        sut.store.delete(keys[step.key])
        return written.delete(step.key)
      case 'mark':
        return marks.push({ length: sut.journal.entries.length, entries: new Map(written) })
      case 'undo': {
        const mark = marks.pop()
        if (mark === undefined) return
        undoTo(sut.journal, mark.length)
        written = mark.entries
        return
      }
      case 'commit':
        sut.store.commit()
        committed = new Map(written)
        return end()
      case 'abort':
        sut.store.rollback()
        written = new Map(committed)
        return end()
      case 'flush':
        return sut.flush()
      case 'restart':
        // What was flushed is all that the next process finds.
        sut.flush()
        sut.store = sut.open()
        written = new Map(committed)
        return end()
      case 'pass':
        sut.time += step.ms
        return
      case 'range': {
        const { from, to, reverse, limit } = step
        const found = [...sut.store.range({ gte: keys[from], lt: keys[to], reverse, limit })]
        const within = alive().filter(([one]) => order(one, from) >= 0 && order(one, to) < 0)
        const wanted = (reverse ? within.toReversed() : within).slice(0, limit)
        return expect(found).toEqual(wanted.map(([one, { value }]) => [keys[one], value]))
      }
    }
  }
  const end = () => {
    sut.journal.entries.length = 0
    marks.length = 0
  }
  for (const step of history) {
    run(step)
    for (const [index, one] of keys.entries()) {
      const entry = written.get(index)
      expect([index, sut.store.get(one)]).toEqual([index, entry && isAlive(entry) ? entry.value : undefined])
    }
    expect([...sut.store.range()]).toEqual(alive().map(([one, { value }]) => [keys[one], value]))
  }
}

describe('a store in layers', () => {
  it('says what a Map would say, with keys that are text', () => {
    fc.assert(
      fc.property(steps, (history) => check(new Sut<string>({}), texts, history)),
      { numRuns: 100 },
    )
  })

  it('says what a Map would say, with keys that are bytes', () => {
    fc.assert(
      fc.property(steps, (history) => check(new Sut<Buffer>({ key: binary }), digests, history)),
      { numRuns: 100 },
    )
  })

  it('says what a Map would say of entries that expire, whenever they leave the disk', () => {
    const expires = { afterMs, retentionMs: afterMs }
    fc.assert(
      fc.property(steps, (history) => check(new Sut<string>({ expires }), texts, history)),
      { numRuns: 100 },
    )
  })
})

describe('what a store has in memory once it is on the disk', () => {
  it('is what was read, as it is now, and not what was only written', () => {
    const numbers = json<number>()
    const decode = vi.fn((bytes: Buffer) => numbers.decode(bytes))
    const sut = new Sut<string>({})
    const value = { encode: (one: number) => numbers.encode(one), decode }
    Object.assign(sut.definition, { value })
    const write = (one: number) => {
      sut.store.set('a', one)
      sut.store.commit()
      sut.flush()
    }
    const readsOf = () => [sut.store.get('a'), decode.mock.calls.length]
    write(1)
    expect(readsOf()).toEqual([1, 1])
    expect(readsOf()).toEqual([1, 1])
    write(2)
    expect(readsOf()).toEqual([2, 1])
  })
})

describe('entries that expire', () => {
  const expires = { afterMs, retentionMs: afterMs }

  it('leave the disk with their times, in bounded steps, and without a record', () => {
    const sut = new Sut<string>({ expires })
    const names = Array.from({ length: 700 }, (_, n) => `key ${n}`)
    for (const name of names) sut.store.set(name, 1)
    sut.store.commit()
    sut.flush()
    sut.journal.entries.length = 0
    const left = () => ['store/0/numbers', 'store/0/numbers.times'].map((name) => sut.local.table(name).count())
    expect(left()).toEqual([700, 700])
    sut.time = afterMs
    const counts = [1, 2, 3].map(() => {
      sut.flush()
      return left()
    })
    expect(counts).toEqual([
      [444, 444],
      [188, 188],
      [0, 0],
    ])
    expect(changelogRecords(sut.journal, 0)).toEqual([])
  })

  it('stay if they were written again meanwhile', () => {
    const sut = new Sut<string>({ expires })
    for (const at of [0, 500]) {
      sut.journal.timestamp = at
      sut.store.set('a', at)
      sut.store.commit()
      sut.flush()
    }
    sut.time = afterMs
    sut.flush()
    expect([sut.store.get('a'), sut.local.table('store/0/numbers').count()]).toEqual([500, 1])
  })
})
