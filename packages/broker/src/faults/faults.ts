/** The faults of a running broker that a test can cause, to see how its clients behave. */
import { errors } from '@streampay/kafka/wire'
import type { Schedule } from '../coordinators/schedule.ts'
import type { Transactions } from '../coordinators/transactions.ts'
import { ApiError } from '../log/index.ts'
import type { AnswerFaults, Delay, Drop } from './answer-faults.ts'
import type { DiskFaults, DiskTrouble } from './disk-faults.ts'
import type { Fault } from './fault.ts'

/** Makes a running broker fail in a chosen way, for tests. Without a fault it costs one comparison for each request and write. */
export type BrokerFaults = {
  /**
   * Delays answers, although their requests are executed. Answers of a connection keep their order: later ones are delayed as well.
   * @throws RangeError
   */
  delay(delay: Delay): Fault
  /** Closes connections instead of answering, with all open requests on them. @throws RangeError */
  drop(drop?: Drop): Fault
  /** Closes all connections at once. @returns their number */
  cut(): number
  /**
   * Aborts the open transaction of this id, as after its timeout: its producer is fenced.
   * @throws ApiError INVALID_TXN_STATE if none is open
   */
  abort(transactionalId: string): Promise<void>
  /**
   * Gives the id its next epoch, as another producer would: the present producer is fenced, and its transaction is aborted.
   * @throws ApiError INVALID_PRODUCER_ID_MAPPING if no producer has used the id yet
   */
  fence(transactionalId: string): Promise<void>
  /** @throws RangeError */
  /** Makes operations on the log's disk fail, hang or take longer, until the fault ends. */
  disk(trouble: DiskTrouble): Fault
  /** Ends all faults; waiting requests and operations continue. */
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
  /** An id must not be changed twice at once: waits for a change that its producer has begun. */
  async function order(transactionalId: string, run: (transactionalId: string) => Promise<number>): Promise<void> {
    let code = await run(transactionalId)
    for (let tries = 1; code === errors.CONCURRENT_TRANSACTIONS && tries < mostTries; tries++) {
      await new Promise<void>((resolve) => void schedule(retryMs, resolve))
      code = await run(transactionalId)
    }
    if (code !== errors.NONE) throw new ApiError(code, refusals.get(code)?.(transactionalId) ?? `error ${code}`)
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
