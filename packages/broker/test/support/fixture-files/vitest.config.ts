import { defineConfig } from 'vitest/config'

/** Both files in one process, one after the other: what the first leaves open, the second finds. */
export default defineConfig({
  test: { include: ['*.case.ts'], isolate: false, fileParallelism: false, maxWorkers: 1 },
})
