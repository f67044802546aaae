import type { LocalStore, LocalTable } from '@streampay/local-store'
import { memoryStore } from '@streampay/local-store/memory'
import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, it, vi } from 'vitest'
import type { Owner, ViewRoute } from '../src/index.ts'
import { systemClock } from '../src/shared/clock.ts'
import { accessOf } from '../src/views/access.ts'
import { keeperOf } from '../src/views/keeper.ts'
import { OffsetIndex } from '../src/views/offset-index.ts'
import { SharedWrites } from '../src/views/shared-writes.ts'
import { csvLineOf } from '../src/views/snapshot.ts'
import { Table } from '../src/views/table.ts'
import { type RowSource, TopicStore } from '../src/views/topic-store.ts'
import { ValueCache } from '../src/views/value-cache.ts'
import { mergeByTime, type ViewRecord } from '../src/views/view-record.ts'

const owner = { header: 'owner' } as const

function record(fields: Partial<ViewRecord>): ViewRecord {
  return { partition: 0, offset: 0, timestamp: 0, key: 'k', value: '{}', headers: {}, ...fields }
}

/** Rows of one topic in the heap, written when the test says so. */
function storeOf(sources: (table: LocalTable) => readonly RowSource[]): TopicStore {
  const store = new TopicStore(memoryStore(), 'topic')
  store.serve(sources(store.table))
  return store
}

const note = { definition: '', topicId: '', setAside: '', asOf: 0, partitions: [] }

describe('an index of offsets', () => {
  function indexOf(): { readonly index: OffsetIndex; readonly write: () => void; readonly store: TopicStore } {
    let index: OffsetIndex | undefined
    const store = storeOf((table) => {
      index = new OffsetIndex(table, 0)
      return [index]
    })
    if (index === undefined) throw new Error('no index')
    return { index, store, write: () => store.write(note) }
  }

  it('gives the range asked for, from either end, however it was written', () => {
    const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 300 }), writes: fc.boolean() }), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(steps, fc.nat(9_000), fc.nat(9_000), fc.integer({ min: 1, max: 70 }), (gaps, from, before, limit) => {
        const { index, write } = indexOf()
        const model: number[] = []
        let offset = 0
        for (const { gap, writes } of gaps) {
          offset += gap
          index.add('ada', 1, offset)
          index.add('ad', 1, offset)
          index.add('ada', 2, offset + 1)
          model.push(offset)
          if (writes) write()
        }
        write()
        const expected = model.filter((each) => each >= from && each < before)
        const range = { partition: 1, from, before, limit }
        expect(index.first('ada', range)).toEqual(expected.slice(0, limit))
        expect(index.last('ada', range)).toEqual(expected.slice(-limit))
      }),
    )
  })

  // As arguments of a call they were too many: with ten million payments the view of all activities was never built.
  it('takes half a million of one group at once, behind a row that has begun', () => {
    const { index, write } = indexOf()
    index.add('everybody', 0, 0)
    write()
    const added = 500_000
    for (let n = 1; n <= added; n++) index.add('everybody', 0, 2 * n)
    write()
    const all = { partition: 0, from: 0, before: 2 * added + 1 }
    expect(index.first('everybody', { ...all, limit: 3 })).toEqual([0, 2, 4])
    expect(index.last('everybody', { ...all, limit: 2 })).toEqual([2 * added - 2, 2 * added])
    expect(index.first('everybody', { ...all, limit: added + 2 })).toHaveLength(added + 1)
  })

  it('gives each of many groups its own, in all partitions, whatever their texts are', () => {
    const names = [
      '',
      'é',
      'a'.repeat(128),
      'ä'.repeat(64),
      'a'.repeat(129),
      'ä'.repeat(65),
      '\ud83d\ude00'.repeat(100),
    ]
    const group = fc.oneof(
      fc.constantFrom(...names),
      fc.nat(200).map((n) => `person-${n}`),
    )
    const step = fc.record({
      group,
      partition: fc.nat(2),
      gap: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 2 ** 36 })),
    })
    const writes = fc.array(fc.array(step, { maxLength: 300 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(writes, (batches) => {
        const { index, write } = indexOf()
        const model = new Map<string, number[]>()
        const ends = [0, 0, 0]
        for (const batch of batches) {
          for (const { group: name, partition, gap } of batch) {
            const offset = (ends[partition] ?? 0) + gap
            ends[partition] = offset
            index.add(name, partition, offset)
            model.set(`${partition} ${name}`, [...(model.get(`${partition} ${name}`) ?? []), offset])
          }
          write()
          expect(index.pendingBytes).toBe(0)
        }
        for (const [place, offsets] of model) {
          const partition = Number(place[0])
          const range = { partition, from: 0, before: 2 ** 48 - 1, limit: 2_000 }
          expect(index.first(place.slice(2), range)).toEqual(offsets)
          expect(index.last(place.slice(2), { ...range, limit: 3 })).toEqual(offsets.slice(-3))
        }
      }),
      { numRuns: 50 },
    )
  })

  it('keeps many offsets of a group in few rows, also when they come one by one', () => {
    const { index, store, write } = indexOf()
    for (let offset = 0; offset < 2_000; offset++) {
      index.add('ada', 0, offset * 1_000)
      write()
    }
    expect(store.table.count()).toBeLessThanOrEqual(2_000 / 500 + 1)
    expect(index.first('ada', { partition: 0, from: 0, before: 3_000_000, limit: 5_000 })).toHaveLength(2_000)
  })

  it('tells groups apart, those of long names, too, and forgets what the log has deleted', () => {
    const { index, store, write } = indexOf()
    const long = 'x'.repeat(300)
    for (const offset of [10, 12]) {
      index.add('ada', 1, offset)
      index.add(long, 0, offset)
      index.add(`${long}y`, 0, offset + 1)
      write()
    }
    const all = (group: string, partition: number) => index.first(group, { partition, from: 0, before: 99, limit: 9 })
    expect([all('ada', 1), all(long, 0), all(`${long}y`, 0), all('ad', 1)]).toEqual([[10, 12], [10, 12], [11, 13], []])
    const trim = (logStarts: readonly number[]) => {
      let from: Buffer | undefined
      do
        store.change((batch) => {
          from = index.trim(batch, logStarts, from)
        })
      while (from !== undefined)
    }
    trim([0, 13])
    expect([all('ada', 1), all(long, 0)]).toEqual([[], [10, 12]])
    trim([99, 99])
    // The note is left.
    expect(store.table.count()).toBe(1)
  })
})

describe('a table', () => {
  function tableOf(owners: readonly Owner[]) {
    let table: Table | undefined
    const store = storeOf((rows) => {
      table = new Table(rows, { owners, listsAll: true, headerNames: ['owner'] })
      return [table]
    })
    if (table === undefined) throw new Error('no table')
    const found = table
    const group = (grouping: string | undefined, name: string, from = 0) =>
      found.first({ grouping, group: name, partition: 0, from, before: 1_000, limit: 100 })
    return {
      table: found,
      group,
      apply: (...records: ViewRecord[]) => {
        const transitions = records.flatMap((each) => found.apply(each))
        store.write(note)
        return transitions
      },
      sweep: (time: number) => store.change((batch) => found.sweep(batch, time)),
      rows: () => store.table.count() - 1,
    }
  }

  it('tells the former owner that a record is gone, but not its new content', () => {
    const { apply, group } = tableOf([owner])
    apply(record({ offset: 0, headers: { owner: 'ada' }, value: '1' }))
    const transitions = apply(record({ offset: 1, headers: { owner: 'bob' }, value: '2' }))
    const forAda = transitions.find(({ group }) => group === 'ada')
    expect(forAda?.after.value).toBeNull()
    expect(group('header:owner', 'ada').map(({ value }) => value)).toEqual([null])
    expect(group('header:owner', 'bob').map(({ value }) => value)).toEqual(['2'])
  })

  it('knows whose record a tombstone without headers ends', () => {
    const { apply, group } = tableOf([owner])
    apply(record({ offset: 0, headers: { owner: 'ada' } }))
    const transitions = apply(record({ offset: 1, value: null }))
    expect(transitions.find(({ group }) => group === 'ada')?.before?.value).toBe('{}')
    expect(group('header:owner', 'ada').map(({ offset, value }) => [offset, value])).toEqual([[1, null]])
  })

  it('keeps deleted items for clients that were away, and then removes them', () => {
    const { apply, sweep, group, rows } = tableOf([owner])
    apply(record({ offset: 0, timestamp: 10, headers: { owner: 'ada' } }))
    apply(record({ offset: 1, timestamp: 20, headers: { owner: 'bob' } }))
    apply(record({ offset: 2, timestamp: 30, value: null }))
    sweep(20)
    expect([group('header:owner', 'ada', 1), group('header:owner', 'bob', 1), group(undefined, '*', 1)]).toMatchObject([
      [{ offset: 1, value: null }],
      [{ offset: 2, value: null }],
      [{ offset: 2, value: null }],
    ])
    sweep(21)
    expect([group('header:owner', 'ada', 1), group('header:owner', 'bob', 1)]).toMatchObject([[], [{ offset: 2 }]])
    sweep(31)
    expect([group(undefined, '*'), rows()]).toEqual([[], 0])
  })

  it('does not forget a key that came back', () => {
    const { apply, sweep, table } = tableOf([])
    apply(record({ offset: 0, timestamp: 1, value: null }))
    apply(record({ offset: 1, timestamp: 2 }))
    sweep(100)
    expect(table.get('k')?.offset).toBe(1)
  })

  it('shows of each group what going through all records shows, whenever it was written', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'x'.repeat(200))
    const step = fc.record({
      key: names,
      owner: fc.option(names, { nil: undefined }),
      gone: fc.boolean(),
      writes: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.nat(40),
        fc.integer({ min: 1, max: 9 }),
        (steps, from, limit) => {
          const { table, apply, group } = tableOf([owner])
          const newest = new Map<string, ViewRecord>()
          for (const [offset, { key, owner: header, gone, writes }] of steps.entries()) {
            const before = newest.get(key)
            const inherited = gone ? before?.headers.owner : undefined
            const headers: Record<string, string> = header === undefined ? {} : { owner: header }
            const each = record({ key, offset, timestamp: offset, headers, value: gone ? null : `${offset}` })
            newest.set(key, {
              ...each,
              headers: header === undefined && inherited !== undefined ? { owner: inherited } : headers,
            })
            if (writes) apply(each)
            else table.apply(each)
          }
          apply()
          const alive = (records: readonly ViewRecord[]) => records.filter(({ value }) => value !== null)
          const expected = (fits: (each: ViewRecord) => boolean) =>
            [...newest.values()].filter(fits).sort((a, b) => a.offset - b.offset)
          for (const name of ['a', 'b', 'c', 'x'.repeat(200)]) {
            const wanted = expected(
              ({ headers, offset, value }) => headers.owner === name && offset >= from && value !== null,
            )
            const shown = alive(group('header:owner', name, from))
            expect(shown.map(({ offset, value }) => [offset, value])).toEqual(
              wanted.map(({ offset, value }) => [offset, value]),
            )
          }
          const range = { grouping: undefined, group: '*', partition: 0, from, before: 1_000, limit }
          const offsets = expected(({ offset }) => offset >= from).map(({ offset }) => offset)
          expect(table.first(range).map(({ offset }) => offset)).toEqual(offsets.slice(0, limit))
          expect(table.last(range).map(({ offset }) => offset)).toEqual(offsets.slice(-limit))
        },
      ),
    )
  })
})

describe('what keeps rows in step with their feed', () => {
  const newState = () => ({
    positions: [1],
    lastRead: [],
    topicId: 'id',
    caughtUp: true,
    caughtUpAt: 1,
    isVoid: false,
  })

  function keeping(local: LocalStore, writes: SharedWrites, name: string) {
    const topic = { name, description: '', key: '', config: {}, valueSchema: {} }
    const store = new TopicStore(local, name)
    const index = new OffsetIndex(store.table, 0)
    store.serve([index])
    const state = newState()
    const options = {
      cluster: undefined as never,
      clock: systemClock,
      logger: pino({ level: 'silent' }),
      setAside: undefined,
    }
    return { store, index, state, keeper: keeperOf(topic, [], { store, writes, feed: () => state, options }) }
  }

  it('writes nothing of a topic that is to begin again', async () => {
    const local = memoryStore()
    const { store, state, keeper } = keeping(local, new SharedWrites(local), 'topic')
    state.isVoid = true
    await keeper.keep('at-once')
    await keeper.keep('together')
    keeper.refresh()
    keeper.end()
    expect(store.note()).toBeUndefined()
    state.isVoid = false
    keeper.end()
    expect(store.note()).toMatchObject({ topicId: 'id', partitions: [{ position: 1 }] })
  })

  it('writes what several topics have in one turn as one batch, each with its own position', async () => {
    const local = memoryStore()
    const write = vi.spyOn(local, 'write')
    const writes = new SharedWrites(local)
    const topics = ['a', 'b', 'void'].map((name) => keeping(local, writes, name))
    for (const [number, { index, state }] of topics.entries()) {
      index.add('group', 0, 7)
      state.positions = [8 + number]
      state.isVoid = number === 2
    }
    await Promise.all(topics.map(({ keeper }) => keeper.keep('together')))
    expect(write).toHaveBeenCalledTimes(1)
    expect(topics.map(({ store }) => store.note()?.partitions[0]?.position)).toEqual([8, 9, undefined])
    expect(topics.map(({ index }) => index.pendingBytes > 0)).toEqual([false, false, true])
    // What comes in a later turn is a batch of its own.
    await topics[0]?.keeper.keep('together')
    expect(write).toHaveBeenCalledTimes(2)
  })

  it('keeps all that it has when nothing is taken, and writes it later', async () => {
    const local = memoryStore()
    const { store, index, keeper } = keeping(local, new SharedWrites(local), 'topic')
    index.add('group', 0, 7)
    vi.spyOn(local, 'write').mockImplementationOnce(() => {
      throw new Error('the disk is full')
    })
    await expect(keeper.keep('together')).rejects.toThrow('the disk is full')
    expect([store.note(), index.pendingBytes > 0]).toEqual([undefined, true])
    await keeper.keep('together')
    expect([store.note()?.partitions[0]?.position, index.pendingBytes]).toEqual([1, 0])
  })
})

describe('log order', () => {
  it('merges partitions by time and never turns one round', () => {
    const lists = fc.array(fc.array(fc.nat(20), { maxLength: 20 }), { maxLength: 4 })
    fc.assert(
      fc.property(lists, (times) => {
        const partitions = times.map((list, partition) =>
          list.map((timestamp, offset) => record({ partition, offset, timestamp })),
        )
        const merged = mergeByTime(partitions)
        for (const [partition, list] of partitions.entries()) {
          expect(merged.filter((each) => each.partition === partition)).toEqual(list)
        }
      }),
    )
  })
})

describe('an access', () => {
  const route: ViewRoute = {
    kind: 'view',
    path: '/items/{id}',
    summary: '',
    scope: 's',
    topic: 't',
    show: 'item',
    owners: [{ header: 'a' }, { header: 'b' }],
  }

  it('shows an item to its parties alone', () => {
    const shows = (identity: string) =>
      accessOf(route, { identity, id: 'k' }).shows(record({ headers: { a: 'ada', b: 'bob' } }))
    expect([shows('ada'), shows('bob'), shows('eve')]).toEqual([true, true, false])
  })
})

describe('a cache of values', () => {
  it('drops what was used longest ago to stay within its bytes', () => {
    const cache = new ValueCache(3 * 300)
    for (const offset of [0, 1, 2]) cache.put(record({ offset, value: 'x'.repeat(99) }))
    cache.get(0, 0)
    cache.put(record({ offset: 3, value: 'x'.repeat(99) }))
    expect([0, 1, 2, 3].map((offset) => cache.get(0, offset) !== undefined)).toEqual([true, false, true, true])
  })
})

describe('a line of CSV', () => {
  it.each([
    [{ a: 1, b: 'x' }, '1,x\r\n'],
    [{ a: -5 }, '-5,\r\n'],
    [{ a: 'say "hi", you', b: 'two\nlines' }, '"say ""hi"", you","two\nlines"\r\n'],
    [{ a: '=1+1', b: '@cmd' }, "'=1+1,'@cmd\r\n"],
  ])('of %j is %j', (value, expected) => {
    expect(csvLineOf({ value: JSON.stringify(value) }, ['a', 'b'])).toBe(expected)
  })
})
