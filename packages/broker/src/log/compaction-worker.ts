/** The worker's end of `runCompaction`: one job, one answer. */

import { parentPort, workerData } from 'node:worker_threads'
import { type CompactionJob, compactSegments } from './compaction.ts'
import { nodeFiles } from './files.ts'

parentPort?.postMessage(await compactSegments(nodeFiles, workerData as CompactionJob))
