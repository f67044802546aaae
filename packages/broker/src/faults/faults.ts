/** The faults that a running broker can have by order, to test how its clients behave. */
import { errors } from '@streampay/kafka/wire'
import type { Schedule } from '../coordinators/schedule.ts'
import type { Transactions } from '../coordinators/transactions.ts'
import { BrokerError } from '../log/index.ts'
import type { AnswerFaults, Delay, Drop } from './answer-faults.ts'
import type { DiskFaults, DiskTrouble } from './disk-faults.ts'
import type { Fault } from './fault.ts'

/** Makes a running broker fail in one way, for tests. Without an order it costs one comparison for each request and write. */
export type BrokerFaults = {
  /**
   * Answers wait, though their requests are done. Answers of a connection keep their order: those behind one that waits do, too.
   * @throws RangeError
   */
  delay(delay: Delay): Fault
  /** Connections close instead of an answer, with all that is unanswered on them. @throws RangeError */
  drop(drop?: Drop): Fault
  /** Closes all connections at once. @returns how many there were */
  cut(): number
  /**
   * Aborts the open transaction of this id, as when it takes longer than its timeout: its producer is fenced.
   * @throws BrokerError INVALID_TXN_STATE if none is open
   */
  abort(transactionalId: string): Promise<void>
  /**
   * Gives the id its next epoch, as when another producer begins with it: the producer that had it is fenced, and its transaction aborted.
   * @throws BrokerError INVALID_PRODUCER_ID_MAPPING if no producer had it so far
   */
  fence(transactionalId: string): Promise<void>
  /** @throws RangeError */
  disk(trouble: DiskTrouble): Fault
  /** Ends all faults; what waits because of them goes on. */
  clear(): void
}

export type FaultParts = {
  readonly answers: AnswerFaults
  readonly disk: DiskFaults
  readonly transactions: Transactions
  readonly schedule: Schedule
  readonly cut: () => number
}

export function openFaults({ answers, disk, transactions, schedule, cut }: FaultParts): BrokerFaults {
  /** An id is not changed by two at once: what its producer has begun is waited for. */
  async function order(transactionalId: string, run: (transactionalId: string) => Promise<number>): Promise<void> {
    let code = await run(transactionalId)
    for (let tries = 1; code === errors.CONCURRENT_TRANSACTIONS && tries < mostTries; tries++) {
      await new Promise<void>((resolve) => void schedule(retryMs, resolve))
      code = await run(transactionalId)
    }
    if (code !== errors.NONE) throw new BrokerError(code, refusals.get(code)?.(transactionalId) ?? `error ${code}`)
  }
  return {
    delay: (delay) => answers.delay(delay),
    drop: (drop = {}) => answers.drop(drop),
    cut,
    abort: (id) => order(id, (transactionalId) => transactions.abort(transactionalId)),
    fence: (id) => order(id, (transactionalId) => transactions.fence(transactionalId)),
    disk: (trouble) => disk.add(trouble),
    clear() {
      answers.clear()
      disk.clear()
    },
  }
}

const retryMs = 20
const mostTries = 250

const refusals = new Map<number, (transactionalId: string) => string>([
  [errors.INVALID_TXN_STATE, (id) => `no transaction of "${id}" is open`],
  [errors.INVALID_PRODUCER_ID_MAPPING, (id) => `no producer had the transactional.id "${id}" so far`],
  [errors.CONCURRENT_TRANSACTIONS, (id) => `a transaction of "${id}" does not end`],
])
