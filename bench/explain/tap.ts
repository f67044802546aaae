/**
 * Notes the moments that a service emits (packages/process/src/moments.ts), and writes them to a file when it ends. Loaded by `--import`
 * before the service, whose code does not know it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { onMoment } from '@streampay/process'
import { folderVariable, type Stamped } from './moments-of.ts'

/** Some minutes of payments one by one; later moments are left out. */
const mostMoments = 5_000_000

const folder = process.env[folderVariable]
if (folder !== undefined && isMainThread) {
  const told: Stamped[] = []
  onMoment((moment) => {
    // One clock for all processes of the machine.
    if (told.length < mostMoments) told.push({ at: Number(process.hrtime.bigint()) / 1e6, ...moment })
  })
  process.on('exit', () => {
    if (told.length === 0) return
    writeFileSync(join(folder, `${process.pid}.ndjson`), told.map((moment) => `${JSON.stringify(moment)}\n`).join(''))
  })
}
