/**
 * The start of a running audit. Commands before it are not judged: some of their records are before the first one that is read.
 *
 * Positions are read first, as last stable offsets, and then the offsets that payments had processed. A command at or above those offsets
 * was decided in a transaction that ended later, so every record of it is at or above the positions.
 */
import { applicationIds, topicNames } from '@streampay/domain'
import type { Offsets } from '../cut.ts'
import { UndecidableError } from '../errors.ts'
import type { LogSource } from '../log-source.ts'

export const watched = [
  topicNames.commands,
  topicNames.deadLetters,
  topicNames.replies,
  topicNames.activities,
  topicNames.totalTransactions,
  topicNames.averageTransactions,
  topicNames.statements,
  topicNames.balances,
  topicNames.balanceHistories,
  topicNames.paymentRequests,
  topicNames.transactions,
] as const

export type WatchedTopic = (typeof watched)[number]

export class Beginning {
  readonly positions: ReadonlyMap<WatchedTopic, Offsets>
  /** Of `commands`: those at or above are judged. */
  readonly commands: Offsets
  /** The reader's clock, in ms since the epoch. */
  readonly at: number

  private constructor(positions: ReadonlyMap<WatchedTopic, Offsets>, commands: Offsets, at: number) {
    this.positions = positions
    this.commands = commands
    this.at = at
  }

  /** @throws UndecidableError if a topic does not exist yet, or payments have never committed an offset; KafkaError */
  static async at(source: LogSource, nowMs: number): Promise<Beginning> {
    const positions = new Map<WatchedTopic, Offsets>()
    for (const topic of watched) {
      const ends = await source.ends(topic, 'read_committed')
      if (ends.length === 0)
        throw new UndecidableError(`the log has no topic ${topic} yet: a service creates it at its start`)
      positions.set(topic, ends)
    }
    return new Beginning(positions, await source.committed(applicationIds.payments, topicNames.commands), nowMs)
  }

  /** Whether all records of this transfer, or payment request, can have been read. Account openings are not included. */
  covers(id: string): boolean {
    const [, partition, offset] = /^[tr](\d+)-(\d+)$/.exec(id) ?? []
    if (partition === undefined) return false
    return Number(offset) >= (this.commands[Number(partition)] ?? Number.POSITIVE_INFINITY)
  }
}
