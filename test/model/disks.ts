/**
 * The disks of the processes: what a slot has written outlives each of its processes, and between two of them a fault may change it.
 */
import { memoryStore, type StoreImage } from '@streampay/local-store/memory'
import type { OpenState } from '../../packages/streams/src/state/state-options.ts'
import { Disk } from '../../packages/streams/test/support/disk.ts'
import type { App, StateFault } from './faults.ts'
import type { SimulatedProcess } from './simulated-process.ts'

type SlotDisk = {
  readonly disk: Disk
  /** Its content at earlier times, the oldest first. */
  readonly past: StoreImage[]
  writes: number
  /** Why the next process can use nothing of it. */
  wiped: string | undefined
}

const apps: readonly App[] = ['payments', 'statistics']
/** After this many writes, a copy of the disk is kept, to be put back later. */
const keptEvery = 3
const maxPast = 40
const empty: StoreImage = memoryStore().snapshot()

export class Disks {
  readonly #disks = new Map<string, SlotDisk>()
  /** The content that another log has left, by application. */
  foreign: ReadonlyMap<App, StoreImage> = new Map()

  imagesOf(slot: number): ReadonlyMap<App, StoreImage> {
    return new Map(apps.map((app) => [app, this.#diskOf(slot, app).disk.image]))
  }

  /**
   * Gives the disk to a process that starts.
   * @param isAlone False if another process has the folder of the slot: this one is on another machine, whose disk is empty.
   */
  open(process: SimulatedProcess, app: App, { isAlone }: { readonly isAlone: boolean }): OpenState {
    if (!isAlone) return new Disk().open
    const kept = this.#diskOf(process.slot, app)
    return async (format) => {
      const { store } = await kept.disk.open(format)
      const { wiped } = kept
      kept.wiped = undefined
      kept.disk.onWrite = () => {
        if (++kept.writes % keptEvery !== 0) return
        kept.past.push(kept.disk.image)
        if (kept.past.length > maxPast) kept.past.shift()
      }
      kept.disk.beforeWrite = () => undefined
      return { store, wiped }
    }
  }

  /** The next write of the process in the slot fails, as on a disk that is full. */
  fill(process: SimulatedProcess, app: App): void {
    const { disk } = this.#diskOf(process.slot, app)
    disk.beforeWrite = () => {
      const error = new Error('injected: no space left on device')
      process.injected.add(error)
      throw error
    }
  }

  /** No process has it open. */
  replace({ slot, other, how, age }: StateFault): void {
    for (const app of apps) {
      const kept = this.#diskOf(slot, app)
      switch (how) {
        case 'lost':
          kept.disk.image = empty
          break
        case 'torn':
          // The store itself finds that, and begins anew (packages/local-store).
          kept.disk.image = empty
          kept.wiped = 'it is damaged'
          break
        case 'stale':
          kept.disk.image = kept.past[Math.floor(age * kept.past.length)] ?? empty
          break
        case 'swapped': {
          const { disk } = this.#diskOf(other, app)
          ;[disk.image, kept.disk.image] = [kept.disk.image, disk.image]
          break
        }
        case 'foreign':
          kept.disk.image = this.foreign.get(app) ?? empty
          break
        case 'full':
          break
      }
    }
  }

  #diskOf(slot: number, app: App): SlotDisk {
    const key = `${slot} ${app}`
    let kept = this.#disks.get(key)
    if (kept === undefined) {
      kept = { disk: new Disk(), past: [], writes: 0, wiped: undefined }
      this.#disks.set(key, kept)
    }
    return kept
  }
}
