import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * These have a process of their own: they stop the clock, the sockets or the log of the process, replace a module or a setting of it, or
 * measure it. All others share processes: what they load is loaded once, which saves a second of CPU for each file. They leave nothing
 * behind: no setting, signal or global is changed, and nothing is measured of the process.
 */
const alone = [
  'packages/broker/test/log/{limits,memory-files,permissions}.test.ts',
  'packages/broker/test/vitest.test.ts',
  'packages/gateway/test/{bounds,connections,outage,overload,refusal-delay,stalled-answer,state}.test.ts',
  'packages/local-store/test/contract.test.ts',
  'packages/process/test/moments.test.ts',
  'packages/streams/test/runtime/{embedded-broker,local-state,undecodable}.test.ts',
  'apps/api/test/certificates.test.ts',
  'apps/payments/test/{process,repair,service}.test.ts',
  'apps/ui/test/bundle.test.ts',
  'bench/test/{harness,proc}.test.ts',
  'test/model/model.test.ts',
]
const never = ['**/node_modules/**', '**/dist/**', 'test/kafka/**', '**/*.page.test.ts']

/**
 * `npm test`. The tests that drive a browser (`*.page.test.ts`) and the cases against Apache Kafka, which need Java, have configurations of
 * their own (`vitest.pages.config.ts`, `vitest.kafka.config.ts`), run by `.ci/run`. `test/scripts/suites.test.ts` checks that each file is in
 * exactly one of the three.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    // Node loads the sources itself, as it does in the product: Vite's own loader transforms each file first, a sixth of all CPU.
    experimental: { viteModuleRunner: false },
    reporters: ['default', './scripts/slowest.js'],
    // Vitest alone would run one file at a time on two cores. Three keep them busy; with more, everything waits for its turn.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['{apps,packages}/*/test/**/*.test.ts', 'bench/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...never, ...alone],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
    // Slow disks and busy processors get time.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Vitest's own is a second: what is awaited comes sooner, but not on a machine that does something else.
    expect: { poll: { timeout: 10_000 } },
  },
})
