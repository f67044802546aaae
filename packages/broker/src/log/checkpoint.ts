/**
 * The checkpoint: all state of the log except the record batches, as of a cut of the journal. Recovery trusts
 * it, cuts the segments to the lengths in it, and replays the journals from `journal` on. It is
 * replaced as a whole. The first line is a checksum of the rest, which is JSON, so that people can read it.
 */

import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { BrokenLogError } from './api-error.ts'
import { type Files, replaceFile } from './files.ts'
import type { PartitionState } from './partition.ts'
import type { TopicInfo } from './types.ts'

export type CheckpointState = {
  /** Version 1 had the aborted transactions, which are now in files beside their segments, and can be rebuilt from the segments. */
  readonly version: 1 | 2
  /** The first journal to replay over this state. */
  readonly journal: number
  readonly nextProducerId: number
  readonly topics: readonly { readonly info: TopicInfo; readonly partitions: readonly PartitionState[] }[]
}

export async function saveCheckpoint(files: Files, folder: string, state: CheckpointState): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(state)}\n`)
  await replaceFile(files, checkpointPath(folder), Buffer.concat([Buffer.from(`${checksum(body)}\n`), body]))
}

/** Undefined for a new folder. @throws BrokenLogError */
export function loadCheckpoint(files: Files, folder: string): CheckpointState | undefined {
  const path = checkpointPath(folder)
  if (files.sizeOf(path) === undefined) return undefined
  const bytes = files.readAll(path)
  const line = bytes.indexOf(0x0a)
  const body = bytes.subarray(line + 1)
  if (line === -1 || bytes.toString('latin1', 0, line) !== checksum(body)) {
    throw new BrokenLogError(`The checkpoint ${path} is broken: its checksum does not fit its content`)
  }
  const state: CheckpointState = JSON.parse(body.toString('utf8'))
  if (state.version !== 1 && state.version !== 2) {
    throw new BrokenLogError(`The checkpoint ${path} has version ${state.version}; this broker reads versions 1 and 2`)
  }
  return state
}

function checkpointPath(folder: string): string {
  return join(folder, 'checkpoint')
}

function checksum(body: Buffer): string {
  return crc32(body).toString(16).padStart(8, '0')
}
