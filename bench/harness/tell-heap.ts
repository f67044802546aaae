/** Loaded first by each process that is measured: it tells its heap as long as it runs. See heaps.ts. */
import { isMainThread } from 'node:worker_threads'
import { tellHeap } from './heaps.ts'

if (isMainThread) tellHeap()
