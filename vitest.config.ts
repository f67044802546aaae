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
/** Of the same packages: they drive a browser, start processes, or stop the clock, the sockets or the log of their own. */
const alone = [
  'packages/gateway/test/{bounds,connections,outage,overload,refusal-delay,stalled-answer,state}.test.ts',
  'packages/streams/test/runtime/{embedded-broker,local-state,undecodable}.test.ts',
  'apps/payments/test/{process,repair,service}.test.ts',
  'apps/ui/test/{accessibility,break-page,bundle,console-pages,forced-colors,german-pages,hostile-names,live-pages,news-pages,pages,pay-link-pages,same-again,service-worker-pages,session-pages,statement-page,troubles}.test.ts',
]
const apart = new Set(globSync(alone))
const sharing = globSync(together).filter((file) => !apart.has(file))
const never = ['**/node_modules/**', '**/dist/**', 'test/kafka/**']
/** `.ci/run` runs these alone, 20 times each, with a number in the variable: a minute of two cores that each `npm test` would pay for once more. */
const inStages = [
  ['BREAK_PRESSES', 'test/e2e/break.test.ts'],
  ['TOURS', 'test/e2e/tours.test.ts'],
] as const
const notHere = inStages.flatMap(([variable, file]) => (process.env[variable] === undefined ? [file] : []))

/**
 * `npm test`. The cases against Apache Kafka need Java and have a configuration of their own
 * (`vitest.kafka.config.ts`), run by `.ci/run`.
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
          exclude: [...never, ...sharing, ...notHere],
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
