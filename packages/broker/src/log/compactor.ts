/**
 * Runs compactions one after another: large ones in a worker, so that decoding and encoding do not hold up producers and
 * consumers. The worker is started for the first of them, and ended with the round.
 */

import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { BoundedFiles } from './bounded-files.ts'
import { compactSegments } from './compaction.ts'
import type { CompactedGroup, CompactionJob } from './compaction-job.ts'
import { nodeFiles } from './files.ts'

/** Up to so much is done at once: starting a worker takes longer. */
const smallBytes = 128 * 1024

/** Records are looked at one after the other, and garbage at once: more room would only be filled with it. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 }

/** As this file is: a source, or what was compiled from it. */
const workerFile = new URL(`./compaction-worker${extname(import.meta.url)}`, import.meta.url)

type Told = { readonly group?: CompactedGroup; readonly compactedTo?: number; readonly error?: unknown }

export class Compactor {
  readonly #files: BoundedFiles
  #worker: Worker | undefined

  constructor(files: BoundedFiles) {
    this.#files = files
  }

  /** As `compactSegments`. After an error the groups that were replaced stay so. */
  async run(job: CompactionJob, replace: (group: CompactedGroup) => Promise<void>): Promise<number> {
    const bytes = job.segments.reduce((sum, segment) => sum + segment.bytes, 0)
    // A file system of a test's own cannot travel to a worker.
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
      // It may wait for a group to be put in place.
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = undefined
  }
}
