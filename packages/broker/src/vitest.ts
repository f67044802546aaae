/**
 * Fixtures of Vitest: one broker for each test file, which only that file sees. It begins when the first test or hook of the file wants it,
 * and is closed after the last.
 */
import { test as base } from 'vitest'
import { type CreateBrokerOptions, createBroker } from './create-broker.ts'

/**
 * `test` of Vitest with two fixtures. `broker` is that of the file; its hooks have it, too: `test.beforeAll(({ broker }) => …)`.
 * `faults` are those of the broker, and what a test orders by this fixture is ended with the test.
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

/** With a broker in memory. */
export const test = brokerTest()
