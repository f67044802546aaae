/** The same cases on every implementation of the contract. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyAfter, keysWithPrefix, type LocalStore, maxKeyBytes, openLocalStore } from '../src/index.ts'
import { memoryStore } from '../src/memory-store.ts'

const folders: string[] = []
const implementations: Record<string, () => Promise<LocalStore>> = {
  'in the heap': async () => memoryStore(),
  'in LMDB': async () => {
    const folder = mkdtempSync(join(tmpdir(), 'local-store-'))
    folders.push(folder)
    return (await openLocalStore({ folder, format: 'test', maxBytes: 64 * 1024 * 1024 })).store
  },
}

const bytes = (text: string) => Buffer.from(text)
const numbered = (number: number) => Buffer.of(number)

describe.each(Object.entries(implementations))('a local store %s', (_name, openStore) => {
  let store: LocalStore

  beforeEach(async () => {
    store = await openStore()
  })

  afterEach(async () => {
    await store.close()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  function filled(name: string, count: number) {
    const table = store.table(name)
    store.write((batch) => {
      for (let i = 0; i < count; i++) batch.put(table, numbered(i), bytes(`value ${i}`))
    })
    return table
  }

  function keysOf(name: string): number[] {
    return [...store.table(name).range()].map(({ key }) => key.readUInt8())
  }

  it('gives back what was written, to every reader at once', () => {
    const [first, second] = [store.table('first'), store.table('second')]
    store.write((batch) => {
      batch.put(first, bytes('key'), bytes('of the first'))
      batch.put(second, bytes('key'), bytes('of the second'))
      batch.put(second, bytes('empty'), bytes(''))
    })
    expect(first.get(bytes('key'))).toEqual(bytes('of the first'))
    expect(second.get(bytes('key'))).toEqual(bytes('of the second'))
    expect(second.get(bytes('empty'))).toEqual(bytes(''))
    expect(first.get(bytes('no such key'))).toBeUndefined()
    expect([first.count(), second.count()]).toEqual([1, 2])
  })

  it('gives the same table for the same name, and names them in order', () => {
    expect(store.table('b/2')).toBe(store.table('b/2'))
    store.table('a')
    expect(store.tableNames()).toEqual(['a', 'b/2'])
  })

  it('applies a batch in its order', () => {
    const table = filled('t', 5)
    store.write((batch) => {
      batch.put(table, numbered(1), bytes('new'))
      batch.deleteRange(table, { gte: numbered(1), lt: numbered(3) })
      batch.put(table, numbered(2), bytes('after'))
      batch.delete(table, numbered(4))
      batch.delete(table, numbered(200))
      batch.put(table, numbered(0), bytes('first'))
      batch.put(table, numbered(0), bytes('last'))
    })
    expect([...table.range()].map(({ key, value }) => [key.readUInt8(), value.toString()])).toEqual([
      [0, 'last'],
      [2, 'after'],
      [3, 'value 3'],
    ])
    expect(table.count()).toBe(3)
  })

  it('writes nothing if the change throws', () => {
    const table = filled('t', 2)
    const thrown = new Error('no')
    const write = () =>
      store.write((batch) => {
        batch.deleteRange(table)
        batch.put(table, bytes('x'), bytes('y'))
        throw thrown
      })
    expect(write).toThrow(thrown)
    expect(keysOf('t')).toEqual([0, 1])
  })

  it('shows a read inside a write the state before it', () => {
    const table = filled('t', 1)
    store.write((batch) => {
      batch.put(table, numbered(0), bytes('new'))
      expect(table.get(numbered(0))).toEqual(bytes('value 0'))
    })
    expect(table.get(numbered(0))).toEqual(bytes('new'))
  })

  it('keeps what it was given, even if the buffers are used again', () => {
    const table = store.table('t')
    const [key, value] = [bytes('key'), bytes('value')]
    store.write((batch) => batch.put(table, key, value))
    key.fill(0)
    value.fill(0)
    table.get(bytes('key'))?.fill(0)
    for (const entry of table.range()) entry.value.fill(0)
    expect(table.get(bytes('key'))).toEqual(bytes('value'))
  })

  it('hands out buffers that a later read does not change', () => {
    const table = filled('t', 200)
    const early = table.get(numbered(1))
    const entries = [...table.range()]
    for (let i = 0; i < 200; i++) table.get(numbered(i))
    expect(early).toEqual(bytes('value 1'))
    expect(entries.map(({ value }) => value.toString())).toEqual(entries.map((_, i) => `value ${i}`))
  })

  it('takes values of a megabyte', () => {
    const table = store.table('t')
    const large = Buffer.alloc(1024 * 1024, 7)
    store.write((batch) => batch.put(table, bytes('large'), large))
    const read = table.get(bytes('large'))
    store.write((batch) => batch.put(table, bytes('large'), Buffer.alloc(1024 * 1024, 8)))
    expect(read?.equals(large)).toBe(true)
    expect([...table.range()][0]?.value.readUInt8(500_000)).toBe(8)
  })

  it('takes keys up to its bound, and says so of a longer or an empty one', () => {
    const table = store.table('t')
    const longest = Buffer.alloc(maxKeyBytes, 255)
    store.write((batch) => batch.put(table, longest, bytes('x')))
    expect(table.get(longest)).toEqual(bytes('x'))
    expect([...table.range({ gte: longest, lt: keyAfter(longest) })]).toHaveLength(1)
    const put = (key: Buffer) => () => store.write((batch) => batch.put(table, key, bytes('x')))
    expect(put(Buffer.alloc(maxKeyBytes + 1))).toThrow('A key of 1001 bytes for table "t": keys have 1 to 1000 bytes')
    expect(put(Buffer.alloc(0))).toThrow('A key of 0 bytes')
    expect(() => table.get(Buffer.alloc(maxKeyBytes + 1))).toThrow('A key of 1001 bytes')
    expect(() => [...table.range({ gte: Buffer.alloc(maxKeyBytes + 2) })]).toThrow('A bound of 1002 bytes')
  })

  it('reads ranges in both directions', () => {
    const table = filled('t', 6)
    const read = (range: Parameters<typeof table.range>[0]) => [...table.range(range)].map(({ key }) => key.readUInt8())
    expect(read({})).toEqual([0, 1, 2, 3, 4, 5])
    expect(read({ gte: numbered(2), lt: numbered(4) })).toEqual([2, 3])
    expect(read({ reverse: true })).toEqual([5, 4, 3, 2, 1, 0])
    expect(read({ gte: numbered(2), lt: numbered(4), reverse: true })).toEqual([3, 2])
    expect(read({ reverse: true, limit: 2 })).toEqual([5, 4])
    expect(read({ limit: 2, gte: numbered(3) })).toEqual([3, 4])
    expect(read({ limit: 0 })).toEqual([])
    expect(read({ lt: numbered(0) })).toEqual([])
    expect(read({ lt: numbered(0), reverse: true })).toEqual([])
    expect(read({ gte: numbered(4), lt: numbered(2) })).toEqual([])
    expect(read({ gte: numbered(4), lt: numbered(2), reverse: true })).toEqual([])
    expect(read({ gte: Buffer.alloc(0), lt: Buffer.alloc(0) })).toEqual([])
  })

  it('reads a range from one state while it is written', () => {
    const table = filled('t', 100)
    const seen: number[] = []
    for (const { key } of table.range()) {
      seen.push(key.readUInt8())
      if (seen.length === 1) store.write((batch) => batch.deleteRange(table))
      if (seen.length === 2) store.write((batch) => batch.put(table, numbered(99), bytes('again')))
    }
    expect(seen).toHaveLength(100)
    expect(keysOf('t')).toEqual([99])
  })

  it('refuses to make or drop a table while a range is being read, and not after it ends', () => {
    const table = filled('t', 3)
    for (const _ of table.range()) {
      expect(() => store.table('new')).toThrow('Table "new" can\'t be made while ranges are being read: 1')
      expect(() => store.dropTable('t')).toThrow('while ranges are being read: 1')
      break
    }
    store.table('new')
    store.dropTable('t')
    expect(store.tableNames()).toEqual(['new'])
  })

  it('drops a table with its entries, and makes an empty one of the same name', () => {
    const table = filled('t', 50)
    store.dropTable('t')
    store.dropTable('t')
    expect(store.tableNames()).toEqual([])
    expect(() => table.get(numbered(1))).toThrow('Table "t" was used after it was dropped')
    expect(() => store.write((batch) => batch.delete(table, numbered(1)))).toThrow('Table "t" is of another store')
    expect(store.table('t').count()).toBe(0)
    expect(filled('t', 2).count()).toBe(2)
  })

  it('empties a table, or a part of it, of any size', () => {
    const table = store.table('t')
    const key = (i: number) => Buffer.of(i >> 8, i & 255)
    store.write((batch) => {
      for (let i = 0; i < 5_000; i++) batch.put(table, key(i), bytes('x'))
    })
    store.write((batch) => batch.deleteRange(table, { gte: key(500), lt: key(4_000) }))
    expect(table.count()).toBe(1_500)
    store.write((batch) => batch.deleteRange(table))
    expect(table.count()).toBe(0)
    expect([...table.range()]).toEqual([])
  })

  it('refuses what the interface does not allow', async () => {
    const other = await openStore()
    const table = filled('t', 1)
    let kept: Parameters<Parameters<LocalStore['write']>[0]>[0] | undefined
    store.write((batch) => {
      kept = batch
    })
    expect(() => kept?.delete(table, numbered(1))).toThrow('A batch was used after its write had returned')
    expect(() => store.write(() => store.write(() => {}))).toThrow('A write inside a write')
    expect(() => store.write(() => store.table('new'))).toThrow('Table "new" can\'t be made inside a write')
    expect(() => other.write((batch) => batch.delete(table, numbered(1)))).toThrow('Table "t" is of another store')
    for (const name of ['', 'Upper', 'a b', 'x'.repeat(201)])
      expect(() => store.table(name)).toThrow(/is not a name for a table/)
    await other.close()
  })

  it('reports each use after it was closed, and ends the ranges that are being read', async () => {
    const table = filled('t', 3)
    const reading = table.range()[Symbol.iterator]()
    reading.next()
    await store.close()
    await store.close()
    for (const use of [
      () => reading.next(),
      () => table.get(numbered(1)),
      () => table.count(),
      () => [...table.range()],
      () => store.table('t'),
      () => store.tableNames(),
      () => store.bytes(),
      () => store.write(() => {}),
      () => store.dropTable('t'),
    ])
      expect(use).toThrow(expect.objectContaining({ code: 'LOCAL_STORE_CLOSED' }))
  })

  it('bounds the keys that begin alike', () => {
    const table = store.table('t')
    const keys = [[1], [1, 255], [1, 255, 255], [1, 255, 255, 0], [2], [255], [255, 255], [255, 255, 1]].map((key) =>
      Buffer.from(key),
    )
    store.write((batch) => {
      for (const key of keys) batch.put(table, key, bytes('x'))
    })
    for (const prefix of [[], [0], [1], [1, 255], [1, 255, 255], [2], [255], [255, 255]].map((prefix) =>
      Buffer.from(prefix),
    )) {
      const found = [...table.range(keysWithPrefix(prefix))].map(({ key }) => key)
      expect(found).toEqual(keys.filter((key) => key.subarray(0, prefix.length).equals(prefix)))
    }
  })

  it('does what a plain list of entries does, after any calls', () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 })
    const bound = fc.option(fc.uint8Array({ maxLength: 3, max: 3 }), { nil: undefined })
    const change = fc.oneof(
      fc.record({ type: fc.constantFrom('put' as const), key, value: fc.uint8Array({ maxLength: 4 }) }),
      fc.record({ type: fc.constantFrom('delete' as const), key }),
      fc.record({ type: fc.constantFrom('deleteRange' as const), gte: bound, lt: bound }),
    )
    const range = fc.record({
      gte: bound,
      lt: bound,
      reverse: fc.constantFrom(true, false),
      limit: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
    })
    const table = store.table('t')
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 8 }),
        fc.array(range, { maxLength: 5 }),
        (batches, ranges) => {
          store.write((batch) => batch.deleteRange(table))
          let model: { key: Uint8Array; value: Uint8Array }[] = []
          const within =
            ({ gte, lt }: { gte: Uint8Array | undefined; lt: Uint8Array | undefined }) =>
            (entry: { key: Uint8Array }) =>
              (gte === undefined || Buffer.compare(entry.key, gte) >= 0) &&
              (lt === undefined || Buffer.compare(entry.key, lt) < 0)
          for (const changes of batches) {
            store.write((batch) => {
              for (const made of changes) {
                if (made.type === 'deleteRange') {
                  batch.deleteRange(table, made)
                  const inside = within(made)
                  model = model.filter((entry) => !inside(entry))
                  continue
                }
                model = model.filter((entry) => Buffer.compare(entry.key, made.key) !== 0)
                if (made.type === 'put') {
                  batch.put(table, made.key, made.value)
                  model.push({ key: made.key, value: made.value })
                } else batch.delete(table, made.key)
              }
            })
          }
          model.sort((a, b) => Buffer.compare(a.key, b.key))
          expect(table.count()).toBe(model.length)
          for (const { key, value } of model) expect(table.get(key)?.equals(value)).toBe(true)
          for (const asked of ranges) {
            const wanted = model.filter(within(asked))
            if (asked.reverse) wanted.reverse()
            const plain = (entries: Iterable<{ key: Uint8Array; value: Uint8Array }>) =>
              [...entries].map((entry) => [...entry.key, -1, ...entry.value])
            expect(plain(table.range(asked))).toEqual(plain(wanted.slice(0, asked.limit)))
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
