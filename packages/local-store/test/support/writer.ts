/**
 * A process that writes batches until it is killed: `writer.ts <folder>`. It tells `opened` with what was wiped, now and then that
 * it begins to write a batch, or `refused` with the error of the opening.
 *
 * Batch n puts `n` under `last` in one table, and in another the keys of batch n; it takes those of batch n - 20 away.
 */
import { openLocalStore } from '../../src/index.ts'
import { keptBatches, keysOfBatch, last, maxBytes, numberOf, textOf } from './batches.ts'

const [folder = ''] = process.argv.slice(2)
const tell = (message: object) => process.send?.(message)

try {
  const { store, wiped } = await openLocalStore({ folder, format: 'batches', maxBytes })
  tell({ type: 'opened', wiped, pid: process.pid })
  const [state, data] = [store.table('state'), store.table('data')]
  const first = numberOf(state.get(last)) + 1
  for (let n = first; ; n++) {
    store.write((batch) => {
      batch.put(state, last, textOf(n))
      for (const key of keysOfBatch(n)) batch.put(data, key, Buffer.alloc(n % 300, n))
      for (const key of keysOfBatch(n - keptBatches)) batch.delete(data, key)
      // The parent kills this process while the batch is written, and not between two.
      if (n % 3 === 0) tell({ type: 'writing', written: n - 1 })
    })
    await new Promise((resolve) => setImmediate(resolve))
  }
} catch (error) {
  tell({ type: 'refused', code: error instanceof Error && Reflect.get(error, 'code'), message: String(error) })
}
