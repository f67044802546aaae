/**
 * The worker's end of `CompactionWorker`: one job after another. It tells of each group of new files, and goes on once they are
 * in place.
 */

import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { boundedFiles } from './bounded-files.ts'
import { compactSegments } from './compaction.ts'
import type { CompactionJob } from './compaction-job.ts'
import { nodeFiles } from './files.ts'

/** Sources are read one after the other; what is written stays open until it is synced. */
const maxOpenFiles = 16
/** Producers and consumers come first where processors are short. */
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
