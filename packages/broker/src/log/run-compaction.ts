import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type CompactionJob, type CompactionResult, compactSegments } from './compaction.ts'
import { type Files, nodeFiles } from './files.ts'

/** Up to so much is done at once: starting a worker takes longer. */
const smallBytes = 128 * 1024

/** Compacts in a worker, so that decoding and encoding do not hold up producers and consumers. */
export async function runCompaction(files: Files, job: CompactionJob): Promise<CompactionResult> {
  const bytes = job.segments.reduce((sum, segment) => sum + segment.bytes, 0)
  // A file system of a test's own cannot travel to a worker.
  if (bytes <= smallBytes || files !== nodeFiles) return compactSegments(files, job)
  const worker = new Worker(new URL('./compaction-worker.ts', import.meta.url), { workerData: job })
  try {
    const [result] = await once(worker, 'message')
    return result as CompactionResult
  } finally {
    await worker.terminate()
  }
}
