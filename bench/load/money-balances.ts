/** The balances that follow from the answered commands, and those on the log. */

import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, openAdmin, readBetween } from '@streampay/kafka'
import { type Account, openingBalance, type PayCommand, partitionCount } from '../support/money-path.ts'

const settleTimeoutMs = 30_000
const lookEveryMs = 100

export class Balances {
  readonly #cluster: Cluster
  readonly #topic: string
  readonly #expected = new Map<string, number>()
  readonly #found = new Map<string, number>()
  readonly #positions = Array.from({ length: partitionCount }, () => 0)

  constructor(cluster: Cluster, topic: string) {
    this.#cluster = cluster
    this.#topic = topic
  }

  /** This command was carried out. */
  expect({ payer, payee, amount }: PayCommand): void {
    this.#expected.set(payer, (this.#expected.get(payer) ?? openingBalance) - amount)
    this.#expected.set(payee, (this.#expected.get(payee) ?? openingBalance) + amount)
  }

  /**
   * Reads the log until every account has the expected balance: credits may not be written yet.
   * @throws Error that names an account which does not reach it
   */
  async untilExpected(): Promise<void> {
    const until = performance.now() + settleTimeoutMs
    for (;;) {
      await this.#readOn()
      const differs = firstDifference(this.#expected, this.#found)
      if (differs === undefined) return
      if (performance.now() > until) throw new Error(differs)
      await delay(lookEveryMs)
    }
  }

  async #readOn(): Promise<void> {
    const partitions = this.#positions.map((_, partition) => ({ topic: this.#topic, partition }))
    const ends = await openAdmin(this.#cluster).listOffsets(partitions, 'latest', 'read_committed')
    const ranges = ends.map(({ topic, partition, offset: end }) => {
      return { topic, partition, start: this.#positions[partition] ?? 0, end }
    })
    for await (const records of readBetween(this.#cluster, ranges)) {
      for (const { value } of records) {
        const { account, balance } = JSON.parse(String(value)) as Account
        this.#found.set(account, balance)
      }
    }
    for (const { partition, end } of ranges) this.#positions[partition] = end
  }
}

/** A sentence about the first account that differs, and about the sum of all; undefined if none does. */
export function firstDifference(
  expected: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
): string | undefined {
  const accounts = [...new Set([...expected.keys(), ...found.keys()])]
  const account = accounts.find((one) => expected.get(one) !== found.get(one))
  if (account === undefined) return undefined
  const sumOf = (balances: ReadonlyMap<string, number>) => [...balances.values()].reduce((sum, one) => sum + one, 0)
  return [
    `${account} has ${found.get(account) ?? 'no balance'} where ${expected.get(account) ?? 'none'} follows from the commands;`,
    `${found.size} accounts have ${sumOf(found)} together, and ${expected.size} should have ${sumOf(expected)}`,
  ].join(' ')
}
