/** A process that creates one broker after another, tells how long each took until a client could connect, and ends with its parent. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBroker } from '@streampay/broker'

const [, , where = '', count = ''] = process.argv

const readyMs: number[] = []
for (let round = 0; round < Number(count); round++) {
  const dataDir = where === 'on disk' ? mkdtempSync(join(tmpdir(), 'streampay-bench-')) : undefined
  const startedAt = performance.now()
  const broker = await createBroker(dataDir === undefined ? {} : { dataDir })
  readyMs.push(performance.now() - startedAt)
  await broker.close()
  if (dataDir !== undefined) rmSync(dataDir, { recursive: true })
}
process.on('disconnect', () => process.exit(0))
process.send?.({ type: 'done', readyMs })
