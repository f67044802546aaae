/**
 * The coordinators' answers for writes to their own log. A write that succeeds late still takes effect: a client that
 * got COORDINATOR_NOT_AVAILABLE repeats its request and gets the result.
 *
 * The codes are those of Apache Kafka (`TransactionStateManager.appendTransactionToLog`, `CoordinatorRuntime`): if
 * the log refuses temporarily, COORDINATOR_NOT_AVAILABLE; if it can't be written any more, NOT_COORDINATOR. Clients
 * look up the coordinator again and retry.
 */
import { errors } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import type { Logger } from '../logger.ts'
import type { Schedule } from './schedule.ts'

/** Apache Kafka's time limit for its log (`offsets.commit.timeout.ms`). */
export const STATE_WRITE_TIMEOUT_MS = 5000

export type WriteParts = { readonly schedule: Schedule; readonly logger: Logger }

/** The code for a write that was refused. */
export function coordinatorCodeOf(error: unknown, logger: Logger): number {
  if (!(error instanceof ApiError)) {
    logger.error({ err: error }, 'a coordinator could not write for an unexpected reason')
    return errors.UNKNOWN_SERVER_ERROR
  }
  switch (error.code) {
    case errors.UNKNOWN_TOPIC_OR_PARTITION:
    case errors.NOT_ENOUGH_REPLICAS:
    case errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case errors.REQUEST_TIMED_OUT:
      return errors.COORDINATOR_NOT_AVAILABLE
    case errors.NOT_LEADER_OR_FOLLOWER:
    case errors.KAFKA_STORAGE_ERROR:
      return errors.NOT_COORDINATOR
    case errors.MESSAGE_TOO_LARGE:
    case errors.RECORD_LIST_TOO_LARGE:
      return errors.UNKNOWN_SERVER_ERROR
    default:
      return error.code
  }
}

/** Resolves with NONE once the write has taken effect, with a code if it is refused or takes too long. */
export async function codeOfWrite(written: Promise<unknown>, { schedule, logger }: WriteParts): Promise<number> {
  const done = written.then(
    () => errors.NONE,
    (error: unknown) => coordinatorCodeOf(error, logger),
  )
  return withPatience(done, {
    schedule,
    timeoutMs: STATE_WRITE_TIMEOUT_MS,
    otherwise: errors.COORDINATOR_NOT_AVAILABLE,
  })
}

/** The result of `done`, or `otherwise` after the time. `done` must not reject. */
export async function withPatience<T>(
  done: Promise<T>,
  patience: { readonly schedule: Schedule; readonly timeoutMs: number; readonly otherwise: T },
): Promise<T> {
  let cancel = () => {}
  const over = new Promise<T>((resolve) => {
    cancel = patience.schedule(patience.timeoutMs, () => resolve(patience.otherwise))
  })
  const outcome = await Promise.race([done, over])
  cancel()
  return outcome
}
