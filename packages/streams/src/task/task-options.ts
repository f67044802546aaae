/** What a task is made of, what it starts with, and what it gives and takes with each batch. */
import type { RecordToSend } from '@streampay/kafka'
import type { SetAsideRecords } from '../log/set-aside.ts'
import type { LocalState } from '../state/local-state.ts'
import type { Position } from '../state/positions.ts'
import type { ReadonlyTable, Topology } from '../topology/topology.ts'

export type TaskOptions = {
  readonly topology: Topology
  readonly task: number
  readonly partitionCount: number
  /** Where the stores are kept. */
  readonly state: LocalState
  /** Every global table by its name. */
  readonly tables: ReadonlyMap<string, ReadonlyTable<unknown>>
  /** The largest record that may be written, in bytes as the encoder makes them. */
  readonly maxRecordBytes: number
  /** What is left out, as if it were not on the log; nothing by default. */
  readonly setAside?: SetAsideRecords
  readonly freezeValues?: boolean
}

/** What a task knows once its stores are restored. */
export type TaskStart = {
  /** Where each source continues, by topic, and the highest timestamp before that, in ms. */
  readonly sources: ReadonlyMap<string, { readonly offset: number; readonly time: number }>
  /** The stream time that was committed, in ms; 0 if there is none. */
  readonly streamTime: number
}

/** What a batch may still take; `run` counts it down. */
export type Budget = { records: number; bytes: number }

export type TaskBatch = {
  readonly records: readonly RecordToSend[]
  readonly offsets: ReadonlyArray<{ readonly topic: string; readonly offset: number }>
  /** The same offsets as the positions changelog has them, by source topic. */
  readonly positions: ReadonlyMap<string, Position>
  readonly processed: number
  readonly deadLetters: number
}

/** What a batch says of the sources whose records caused nothing: `needed`, nothing but where it must; `all`, where they are. */
export type TellingOffsets = 'needed' | 'all'
