import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * Files that share a process: what they load is loaded once, which halves the CPU of these packages. They leave nothing behind:
 * no setting, signal or global is changed, and nothing is measured of the process.
 */
const together = [
  'packages/{gateway,json,kafka,streams}/test/**/*.test.ts',
  'apps/{domain,payments,ui}/test/**/*.test.ts',
]
/** Of the same packages: they start processes, or stop the clock, the sockets or the log of their own. */
const alone = [
  'packages/gateway/test/{bounds,connections,outage,overload,refusal-delay,stalled-answer,state}.test.ts',
  'packages/streams/test/runtime/{embedded-broker,local-state,undecodable}.test.ts',
  'apps/payments/test/{process,repair,service}.test.ts',
  'apps/ui/test/bundle.test.ts',
]
const apart = new Set(globSync(alone))
const sharing = globSync(together).filter((file) => !apart.has(file) && !file.endsWith('.page.test.ts'))
const never = ['**/node_modules/**', '**/dist/**', 'test/kafka/**', '**/*.page.test.ts']

/**
 * `npm test`. The tests that drive a browser (`*.page.test.ts`) and the cases against Apache Kafka, which need Java, have configurations of
 * their own (`vitest.pages.config.ts`, `vitest.kafka.config.ts`), run by `.ci/run`. `test/scripts/suites.test.ts` checks that each file is in
 * exactly one of the three.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './scripts/slowest.js'],
    // Vitest alone would run one file at a time on two cores. Three keep them busy; with more, everything waits for its turn.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: { name: 'together', include: sharing, isolate: false },
      },
      {
        extends: true,
        // These start real processes and write real logs: a file gets a process of its own.
        test: {
          name: 'alone',
          include: [
            'packages/*/test/**/*.test.ts',
            'apps/*/test/**/*.test.ts',
            'test/**/*.test.ts',
            'bench/test/**/*.test.ts',
          ],
          exclude: [...never, ...sharing],
        },
      },
    ],
    // Slow disks and busy processors get time.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Vitest's own is a second: what is awaited comes sooner, but not on a machine that does something else.
    expect: { poll: { timeout: 10_000 } },
  },
})
