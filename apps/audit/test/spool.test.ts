import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Spool } from '../src/spool.ts'

describe('Spool', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'streampay-spool-'))
  })
  afterEach(async () => await rm(folder, { recursive: true, force: true }))

  const kinds = { a: 'topic-a', b: 'topic-b' }
  const place = (offset: number, key = 'key') => ({ partition: 3, offset, timestamp: 1_700_000_000_000 + offset, key })

  it.each([
    ['a short value', '{"n":1}'],
    ['text beyond ASCII', JSON.stringify({ name: 'Zoë 🎈 李' })],
    ['a tombstone', 'null'],
    ['a value larger than a buffer of a bucket', JSON.stringify('x'.repeat(20_000))],
    ['a value larger than what is read at a time', JSON.stringify('y'.repeat(1_100_000))],
  ])('gives back %s with its coordinates', (_what, json) => {
    const spool = new Spool({ folder, buckets: 1, kinds })
    spool.add({ family: 'f', group: 'g', kind: 'b' }, place(2 ** 40, 'Schlüssel'), Buffer.from(json))
    expect([...spool.read('f', 0)]).toEqual([
      { kind: 'b', record: { topic: 'topic-b', ...place(2 ** 40, 'Schlüssel'), value: JSON.parse(json) } },
    ])
  })

  it('keeps the order of records that fit into a buffer, and of those that do not', () => {
    const spool = new Spool({ folder, buckets: 1, kinds })
    const sizes = [10, 20_000, 10, 8_000, 8_000, 300_000, 16_350, 10]
    for (const [offset, size] of sizes.entries()) {
      spool.add({ family: 'f', group: 'g', kind: 'a' }, place(offset), Buffer.from(JSON.stringify('x'.repeat(size))))
    }
    expect([...spool.read('f', 0)].map(({ record }) => [record.offset, String(record.value).length])).toEqual([
      ...sizes.entries(),
    ])
  })

  it('keeps a group in one bucket and in order, however many records come between', () => {
    const spool = new Spool({ folder, buckets: 7, kinds })
    const groups = Array.from({ length: 50 }, (_, n) => `group ${n}`)
    for (let offset = 0; offset < 5_000; offset++) {
      const group = groups[offset % groups.length] ?? ''
      spool.add({ family: 'f', group, kind: 'a' }, place(offset, group), Buffer.from(`${offset}`))
    }
    const found = new Map<string, { bucket: number; offsets: number[] }>()
    for (let bucket = 0; bucket < spool.buckets; bucket++) {
      for (const { record } of spool.read('f', bucket)) {
        const group = found.get(record.key) ?? { bucket, offsets: [] }
        found.set(record.key, group)
        expect(group.bucket).toBe(bucket)
        group.offsets.push(record.offset)
      }
    }
    expect([...found.keys()].sort()).toEqual(groups.sort())
    for (const { offsets } of found.values()) {
      expect(offsets).toHaveLength(100)
      expect(offsets).toEqual(offsets.toSorted((left, right) => left - right))
    }
    expect(new Set([...found.values()].map(({ bucket }) => bucket)).size).toBe(7)
  })

  it('keeps families apart, and has nothing of what was never added', async () => {
    const spool = new Spool({ folder, buckets: 1, kinds })
    spool.add({ family: 'f', group: 'g', kind: 'a' }, place(1), Buffer.from('1'))
    expect([...spool.read('other', 0)]).toEqual([])
    expect([...spool.read('f', 0)]).toHaveLength(1)
    expect(await readdir(folder)).toEqual(['f-0'])
  })
})
