/** Where the state of a running topology is kept, and how it is opened. */
import { type LocalStore, LocalStoreError, openLocalStore } from '@streampay/local-store'
import { memoryStore } from '@streampay/local-store/memory'
import { reasonOf, StreamsError } from '../errors.ts'

/** Where the state of a topology is kept on disk, and how large it may grow, in bytes. */
export type StateOptions = {
  /** Of this topology in this process alone; made if it is not there. It may be deleted whenever no process has it open. */
  readonly folder: string
  /** How large it may grow. A topology whose state is larger cannot go on. */
  readonly maxBytes: number
}

/** What a folder has to be opened for. */
export type StateFormat = {
  readonly applicationId: string
  readonly partitionCount: number
  /** How many tables there may be. */
  readonly tables: number
}

export type OpenedState = {
  readonly store: LocalStore
  /** Why what was there was deleted; undefined if it is believed, or nothing was there. */
  readonly wiped: string | undefined
}

export type OpenState = (format: StateFormat) => Promise<OpenedState>

/** Raised when tables or notes are laid out otherwise than before: what was kept before is then wiped. */
const layout = 3

/** @throws StreamsError STREAMS_STATE_FAILED, also when another process has the folder open */
export function stateIn({ folder, maxBytes }: StateOptions): OpenState {
  return async ({ applicationId, partitionCount, tables }) => {
    const format = `streams ${layout}: ${applicationId} with ${partitionCount} partitions`
    try {
      return await openLocalStore({ folder, format, maxBytes, maxTables: tables })
    } catch (cause) {
      const isLocked = cause instanceof LocalStoreError && cause.code === 'LOCAL_STORE_LOCKED'
      const what = isLocked ? 'The local state is in use' : 'The local state could not be opened'
      throw new StreamsError('STREAMS_STATE_FAILED', `${what}: ${reasonOf(cause)}`, cause)
    }
  }
}

/** In the heap, and gone with the process: for tests, and for a topology whose state is small. */
export const stateInHeap: OpenState = () => Promise.resolve({ store: memoryStore(), wiped: undefined })
