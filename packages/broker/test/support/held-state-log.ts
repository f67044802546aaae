import { errors } from '@streampay/kafka/wire'
import type { StateEntry, StateLog } from '../../src/coordinators/state-log.ts'
import { ApiError } from '../../src/log/api-error.ts'

export type Append = { readonly topic: string; readonly entries: readonly StateEntry[] }
/** Rejecting refuses the append, a pending promise delays it; `after` is called once it is durable. */
export type StateLogFault = { before?(append: Append): Promise<void>; after?(append: Append): Promise<void> }

/** The coordinators' real logs with a fault in front of them, which the test may change at any time. */
export class HeldStateLog {
  fault: StateLogFault = {}

  readonly wrap = (log: StateLog): StateLog => ({
    ...log,
    append: async (entries, options) => {
      const append = { topic: log.topic, entries }
      await this.fault.before?.(append)
      await log.append(entries, options)
      await this.fault.after?.(append)
    },
  })
}

export function refusedBy(code: number = errors.NOT_ENOUGH_REPLICAS): ApiError {
  return new ApiError(code, 'refused by the test')
}

/** The state that a transaction gets by this append; undefined for other appends. */
export function nextStateOf({ entries }: Append): string | undefined {
  const [entry] = entries
  if (entry?.key[0] !== 'transaction' || entry.value === null) return undefined
  return (entry.value as { state: string }).state
}
