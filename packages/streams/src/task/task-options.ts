/** The parts of a task, its starting values, and its inputs and results for each batch. */
import type { RecordToSend } from '@streampay/kafka'
import type { SetAsideRecords } from '../log/set-aside.ts'
import type { LocalState } from '../state/local-state.ts'
import type { Position } from '../state/positions.ts'
import type { ReadonlyTable, Topology } from '../topology/topology.ts'

export type TaskOptions = {
  readonly topology: Topology
  readonly task: number
  readonly partitionCount: number
  /** The tables of the stores. */
  readonly state: LocalState
  /** Every global table by its name. */
  readonly tables: ReadonlyMap<string, ReadonlyTable<unknown>>
  /** The largest record that may be written, in bytes as the encoder makes them. */
  readonly maxRecordBytes: number
  /** Records to skip, as if they were not on the log; none by default. */
  readonly setAside?: SetAsideRecords
  readonly freezeValues?: boolean
}

/** The starting values of a task whose stores are restored. */
export type TaskStart = {
  /** Where each source continues, by topic, and the highest timestamp before that, in ms. */
  readonly sources: ReadonlyMap<string, { readonly offset: number; readonly time: number }>
  /** The committed stream time, in ms; 0 if there is none. */
  readonly streamTime: number
}

/** What a batch may still process; `run` counts it down. */
export type Budget = { records: number; bytes: number }

export type TaskBatch = {
  readonly records: readonly RecordToSend[]
  readonly offsets: ReadonlyArray<{ readonly topic: string; readonly offset: number }>
  /** The same offsets in the form of the positions changelog, by source topic. */
  readonly positions: ReadonlyMap<string, Position>
  readonly processed: number
  readonly deadLetters: number
}

/** Which offsets a batch commits for sources whose records had no effects: `needed`: only where it must; `all`: all of them. */
export type TellingOffsets = 'needed' | 'all'
