import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ViewRoute } from '../src/index.ts'
import { lensOf } from '../src/views/lens.ts'
import { OffsetIndex, OffsetList } from '../src/views/offset-index.ts'
import { csvLineOf } from '../src/views/snapshot.ts'
import { Table } from '../src/views/table.ts'
import { ValueCache } from '../src/views/value-cache.ts'
import { mergeByTime, type ViewRecord } from '../src/views/view-record.ts'

const owner = { header: 'owner' } as const

function record(fields: Partial<ViewRecord>): ViewRecord {
  return { partition: 0, offset: 0, timestamp: 0, key: 'k', value: '{}', headers: {}, ...fields }
}

describe('a list of offsets', () => {
  it('gives the range asked for, however it was grown and trimmed', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 })
    fc.assert(
      fc.property(steps, fc.nat(200), fc.nat(200), fc.nat(200), (gaps, trim, from, before) => {
        const list = new OffsetList()
        const model: number[] = []
        let offset = 0
        for (const [index, gap] of gaps.entries()) {
          offset += gap
          list.push(offset)
          model.push(offset)
          if (index === 20) list.trim(trim)
        }
        const kept = gaps.length > 20 ? model.filter((each, index) => index > 20 || each >= trim) : model
        const expected = kept.filter((each) => each >= from && each < before)
        expect([...list.between(from, Math.max(from, before))]).toEqual(from < before ? expected : [])
      }),
    )
  })

  it('leaves a snapshot alone while it grows and is trimmed', () => {
    const list = new OffsetList()
    for (const offset of [1, 2, 3]) list.push(offset)
    const snapshot = list.between(0, 10)
    list.trim(3)
    for (let offset = 4; offset < 100; offset++) list.push(offset)
    expect([...snapshot]).toEqual([1, 2, 3])
  })
})

describe('an index', () => {
  it('tells groups apart and forgets what the log has deleted', () => {
    const index = new OffsetIndex()
    index.add('ada', 1, 10)
    index.add('bob', 1, 11)
    index.add('ada', 1, 12)
    index.add('ada', 0, 3)
    const all = (group: string) =>
      index.between(group, [0, 0], [99, 99]).map(({ partition, offsets }) => [partition, ...offsets])
    expect(all('ada')).toEqual([
      [0, 3],
      [1, 10, 12],
    ])
    index.trim([99, 11])
    expect(all('ada')).toEqual([[1, 12]])
    expect(all('bob')).toEqual([[1, 11]])
  })
})

describe('a table', () => {
  it('tells the former owner that a record is gone, and not what became of it', () => {
    const table = new Table([owner])
    table.apply(record({ offset: 0, headers: { owner: 'ada' }, value: '1' }))
    const transitions = table.apply(record({ offset: 1, headers: { owner: 'bob' }, value: '2' }))
    const forAda = transitions.find(({ group }) => group === 'ada')
    expect(forAda?.after.value).toBeNull()
    expect(table.since('header:owner', 'ada').map(({ value }) => value)).toEqual([null])
    expect(table.since('header:owner', 'bob').map(({ value }) => value)).toEqual(['2'])
  })

  it('knows whose record a tombstone without headers ends', () => {
    const table = new Table([owner])
    table.apply(record({ offset: 0, headers: { owner: 'ada' } }))
    const transitions = table.apply(record({ offset: 1, value: null }))
    expect(transitions.find(({ group }) => group === 'ada')?.before?.value).toBe('{}')
  })

  it('keeps what is gone for those who were away, and then forgets it', () => {
    const table = new Table([])
    table.apply(record({ offset: 0, timestamp: 10 }))
    table.apply(record({ offset: 1, timestamp: 20, value: null }))
    table.sweep(20)
    expect(table.since(undefined, '*', [1])).toHaveLength(1)
    table.sweep(21)
    expect(table.since(undefined, '*', [1])).toHaveLength(0)
    expect(table.size).toBe(0)
  })

  it('does not forget a key that came back', () => {
    const table = new Table([])
    table.apply(record({ offset: 0, timestamp: 1, value: null }))
    table.apply(record({ offset: 1, timestamp: 2 }))
    table.sweep(100)
    expect(table.get('k')?.offset).toBe(1)
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

describe('a lens', () => {
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
      lensOf(route, { identity, id: 'k' }).shows(record({ headers: { a: 'ada', b: 'bob' } }))
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
