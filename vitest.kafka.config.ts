import { defineConfig } from 'vitest/config'

/** `npm run test:kafka`: what must hold on Apache Kafka, which needs Java 17 and Maven. */
export default defineConfig({
  test: {
    include: ['test/kafka/**/*.test.ts'],
    pool: 'forks',
    experimental: { viteModuleRunner: false },
    // Each file starts a cluster of its own: one after the other, so that they don't slow each other down.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
