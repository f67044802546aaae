/**
 * The worker's side of `CompactionWorker`: one job after another. It reports each group of new files, and continues once they have
 * replaced the old ones.
 */

import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { boundedFiles } from './bounded-files.ts'
import { compactSegments } from './compaction.ts'
import type { CompactionJob } from './compaction-job.ts'
import { nodeFiles } from './files.ts'

/** Sources are read one after the other; written files stay open until they are synced. */
const maxOpenFiles = 16
/** A low priority: producers and consumers come first if there are few processors. */
const niceness = 10

if (process.platform === 'linux') {
  const [threadId] = /\d+$/.exec(readlinkSync('/proc/thread-self')) ?? []
  setPriority(Number(threadId), niceness)
}

const port = parentPort
if (port === null) throw new Error('This is the main module of a worker')

const files = boundedFiles(nodeFiles, { maxOpenFiles })
port.on('message', (message: CompactionJob | 'goOn') => {
  if (message !== 'goOn') void compact(message)
})

async function compact(job: CompactionJob): Promise<void> {
  try {
    const compactedTo = await compactSegments(files, job, async (group) => {
      const goesOn = once(port as NonNullable<typeof port>, 'message')
      port?.postMessage({ group })
      await goesOn
    })
    port?.postMessage({ compactedTo })
  } catch (error) {
    port?.postMessage({ error })
  }
}
