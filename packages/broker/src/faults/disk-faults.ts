/** A disk with faults on demand, between the log and its files. Files that a compaction writes in its worker are not affected. */
import type { Schedule } from '../coordinators/schedule.ts'
import { type Files, systemError } from '../log/index.ts'
import { checkDelay, type Fault, Faults } from './fault.ts'

/**
 * `full`: writes fail (ENOSPC). `broken`: writes, or syncs, fail (EIO). After either the log accepts no more writes, `failure` of the
 * broker has the error, and a new broker on the same folder continues from the durable data. `hangs`: syncs do not end before the fault
 * does. `slow`: each sync takes longer by this time. No write is acknowledged before its sync has ended.
 */
export type DiskTrouble = {
  /** The number of affected operations. Default: all, until the fault is ended. */
  readonly times?: number
} & (
  | { readonly effect: 'full' }
  | {
      readonly effect: 'broken'
      /** The operation that fails. Default `write`. */
      readonly operation?: 'write' | 'sync'
    }
  | { readonly effect: 'hangs' }
  | {
      readonly effect: 'slow'
      /** Milliseconds that are added to each sync. */
      readonly ms: number
    }
)

export class DiskFaults {
  readonly #schedule: Schedule
  readonly #faults = new Faults<DiskTrouble>()

  constructor(schedule: Schedule) {
    this.#schedule = schedule
  }

  /** The same files with the faults. Without a fault, a write or sync costs one more comparison. */
  readonly before = <T extends Files>(files: T): T => ({
    ...files,
    write: (fd, buffers, position) => {
      if (this.#faults.list.length > 0) this.#beforeWrite()
      files.write(fd, buffers, position)
    },
    sync: (fd) => (this.#faults.list.length > 0 ? this.#beforeSync().then(() => files.sync(fd)) : files.sync(fd)),
  })

  /** @throws RangeError */
  add(trouble: DiskTrouble): Fault {
    if (!effects.has(trouble.effect)) throw new RangeError(`there is no effect "${trouble.effect}" of a disk`)
    if (trouble.effect === 'slow') checkDelay(trouble.ms)
    return this.#faults.add(trouble, trouble.times)
  }

  clear(): void {
    this.#faults.clear()
  }

  #beforeWrite(): void {
    for (const { fault, order } of this.#faults.list) {
      const fails = order.effect === 'full' || (order.effect === 'broken' && order.operation !== 'sync')
      if (!fails) continue
      fault.strike()
      throw order.effect === 'full' ? ordered('ENOSPC', 'no space left on device') : ordered('EIO', 'i/o error')
    }
  }

  async #beforeSync(): Promise<void> {
    for (const { fault, order } of this.#faults.list) {
      if (order.effect === 'hangs') {
        fault.strike()
        await fault.wait(() => () => undefined)
      } else if (order.effect === 'slow') {
        fault.strike()
        await fault.wait((done) => this.#schedule(order.ms, done))
      } else if (order.effect === 'broken' && order.operation === 'sync') {
        fault.strike()
        throw ordered('EIO', 'i/o error')
      }
    }
  }
}

const effects = new Set<DiskTrouble['effect']>(['full', 'broken', 'hangs', 'slow'])

function ordered(code: 'ENOSPC' | 'EIO', what: string): Error {
  return systemError(code, `${what}, because of an injected fault`)
}
