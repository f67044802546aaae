/** The location of the state of a running topology, and how it is opened. */
import { type LocalStore, LocalStoreError, openLocalStore } from '@streampay/local-store'
import { memoryStore } from '@streampay/local-store/memory'
import { reasonOf, StreamsError } from '../errors.ts'

/** The location of a topology's state on disk, and its largest size, in bytes. */
export type StateOptions = {
  /** Only for this topology in this process; created if it does not exist. It may be deleted whenever no process has it open. */
  readonly folder: string
  /** The largest size. A topology whose state is larger can't continue. */
  readonly maxBytes: number
}

/** The parameters with which a folder is opened. */
export type StateFormat = {
  readonly applicationId: string
  readonly partitionCount: number
  /** The largest number of tables. */
  readonly tables: number
}

export type OpenedState = {
  readonly store: LocalStore
  /** Why the old state was deleted; undefined if it is used, or there was none. */
  readonly wiped: string | undefined
}

export type OpenState = (format: StateFormat) => Promise<OpenedState>

/** Raised when the layout of tables or notes changes: state of an older layout is wiped. */
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

/** In the heap, and lost when the process ends: for tests, and for a topology whose state is small. */
export const stateInHeap: OpenState = () => Promise.resolve({ store: memoryStore(), wiped: undefined })
