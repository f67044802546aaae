/** Loaded first by each measured process: it writes the size of its heap as long as it runs. See heaps.ts. */
import { isMainThread } from 'node:worker_threads'
import { tellHeap } from './heaps.ts'

if (isMainThread) tellHeap()
