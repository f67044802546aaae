import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * `npm test`. The cases against Apache Kafka need Java and have a configuration of their own
 * (`vitest.kafka.config.ts`), run by `.ci/run`.
 */
export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'test/kafka/**'],
    // Many tests start real processes and write real logs: a file gets a process of its own, and slow disks get time.
    pool: 'forks',
    // Tests mostly wait, for processes and for disks: on two cores Vitest alone would run one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
