/**
 * Runs compactions one after another: large ones in a worker, so that decoding and encoding do not delay producers and
 * consumers. The worker is started for the first large one of a round, and ended with the round.
 */

import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { BoundedFiles } from './bounded-files.ts'
import { compactSegments } from './compaction.ts'
import type { CompactedGroup, CompactionJob } from './compaction-job.ts'
import { nodeFiles } from './files.ts'

/** Up to this size a compaction runs in this thread: starting a worker takes longer. */
const smallBytes = 128 * 1024

/** Records are read one after the other, and then become garbage: a larger heap would only be filled with it. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 }

/** The extension of this file: the source's, or that of the compiled file. */
const workerFile = new URL(`./compaction-worker${extname(import.meta.url)}`, import.meta.url)

type Told = { readonly group?: CompactedGroup; readonly compactedTo?: number; readonly error?: unknown }

export class Compactor {
  readonly #files: BoundedFiles
  #worker: Worker | undefined

  constructor(files: BoundedFiles) {
    this.#files = files
  }

  /** As `compactSegments`. After an error the replaced groups stay replaced. */
  async run(job: CompactionJob, replace: (group: CompactedGroup) => Promise<void>): Promise<number> {
    const bytes = job.segments.reduce((sum, segment) => sum + segment.bytes, 0)
    // A test's own file system can't be sent to a worker.
    if (bytes <= smallBytes || this.#files.inner !== nodeFiles) return compactSegments(this.#files, job, replace)
    this.#worker ??= new Worker(workerFile, { resourceLimits })
    const worker = this.#worker
    try {
      worker.postMessage(job)
      for (;;) {
        const [told] = (await once(worker, 'message')) as [Told]
        if (told.compactedTo !== undefined) return told.compactedTo
        if (told.group === undefined) throw told.error
        await replace(told.group)
        worker.postMessage('goOn')
      }
    } catch (error) {
      // The worker may wait for a group to be replaced.
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = undefined
  }
}
