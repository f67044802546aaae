/**
 * Fixtures of Vitest: one broker for each test file, which no other file uses. It starts when the first test or hook of the file
 * requests it, and is closed after the last test.
 */
import { test as base } from 'vitest'
import { type CreateBrokerOptions, createBroker } from './create-broker.ts'

/**
 * `test` of Vitest with two fixtures. `broker` is the broker of the file; hooks get it, too: `test.beforeAll(({ broker }) => …)`.
 * `faults` makes that broker fail, until the test ends.
 * @example
 * ```ts
 * import { brokerTest } from '@streampay/broker/vitest'
 * import { expect } from 'vitest'
 *
 * const test = brokerTest({ config: { autoCreateTopics: true } })
 * test('a client finds the broker', ({ broker }) => {
 *   expect(broker.brokers).toMatch(/^127\.0\.0\.1:/)
 * })
 * ```
 */
export function brokerTest(options: CreateBrokerOptions = {}) {
  return (
    base
      // biome-ignore lint/correctness/noEmptyPattern: Vitest reads in this place which fixtures are wanted.
      .extend('broker', { scope: 'file' }, async ({}, { onCleanup }) => {
        const broker = await createBroker(options)
        onCleanup(() => broker.close())
        return broker
      })
      .extend('faults', ({ broker }, { onCleanup }) => {
        onCleanup(() => broker.faults.clear())
        return broker.faults
      })
  )
}

/** The same with a broker in memory and its default settings. */
export const test = brokerTest()
