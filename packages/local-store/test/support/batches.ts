/** The batches of the writing process, and the content that must be there afterwards. */
import { createHash } from 'node:crypto'
import type { LocalStore } from '../../src/index.ts'

export const maxBytes = 16 * 1024 * 1024
export const keptBatches = 20
const keysInBatch = 300
export const last = Buffer.from('last')

export const textOf = (n: number) => Buffer.from(String(n))
export const numberOf = (value: Buffer | undefined) => (value === undefined ? 0 : Number(value.toString()))

/** Anywhere among the others. */
export function keysOfBatch(n: number): Buffer[] {
  return Array.from({ length: n < 1 ? 0 : keysInBatch }, (_, at) => createHash('md5').update(`${n}/${at}`).digest())
}

/** The number of the last batch, if the store has exactly the batches up to it; otherwise the difference. */
export function wholeBatchesOf(store: LocalStore): number | string {
  const [state, data] = [store.table('state'), store.table('data')]
  const n = numberOf(state.get(last))
  const wanted = new Map<string, Buffer>()
  for (let batch = Math.max(1, n - keptBatches + 1); batch <= n; batch++) {
    for (const key of keysOfBatch(batch)) wanted.set(key.toString('hex'), Buffer.alloc(batch % 300, batch))
  }
  if (data.count() !== wanted.size) return `${data.count()} entries instead of ${wanted.size} after batch ${n}`
  for (const { key, value } of data.range()) {
    const batch = wanted.get(key.toString('hex'))
    if (!batch?.equals(value)) return `${key.toString('hex')} is wrong after batch ${n}`
    if (!data.get(key)?.equals(value)) return `${key.toString('hex')} is not found after batch ${n}`
  }
  return n
}
