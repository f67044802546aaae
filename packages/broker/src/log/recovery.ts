/**
 * What a start does with the files of the last process, for any way in which that ended:
 *
 * 1. read the checkpoint (if there is none: an empty log);
 * 2. read the journals after it. A damaged end is the torn tail of a crash: none of it was acknowledged, so it is cut
 *    off. Damage before the end is a broken log;
 * 3. cut every segment to the length in the checkpoint, and remove files that are not in it: all other data
 *    was written after it, and is in the journals;
 * 4. replay the journals.
 *
 * So the work of a start is limited by the size of the journals, and its memory by a piece of them; the log's size has no
 * influence: it reads only names and lengths of segments, and the last batches of each partition.
 */

import { join } from 'node:path'
import { BrokenLogError } from './api-error.ts'
import { baseOffsetAt } from './batch-view.ts'
import { type CheckpointState, loadCheckpoint } from './checkpoint.ts'
import type { Files } from './files.ts'
import { journalPath } from './journal.ts'
import type { JournalEntry } from './journal-format.ts'
import { broken, type JournalEnd, readJournal } from './journal-reader.ts'
import type { LogPartition } from './partition.ts'

export type RecoveredFiles = {
  readonly checkpoint: CheckpointState
  /** In the order in which they were written; each is valid until the next one is requested. */
  readonly entries: () => Generator<JournalEntry>
  readonly isEmpty: boolean
  readonly deletedTopics: ReadonlySet<string>
  /** The highest generation of the journals found; the next journal gets the following one. */
  readonly lastGeneration: number
  readonly tornBytes: number
}

const emptyCheckpoint: CheckpointState = { version: 1, journal: 1, nextProducerId: 0, topics: [] }
const segmentFile = /^\d{20}(-\d+)?\.(log|index)$/

/** Steps 1 and 2. @throws BrokenLogError */
export async function recoverFiles(files: Files, folder: string): Promise<RecoveredFiles> {
  const saved = loadCheckpoint(files, folder)
  const generations = journalGenerations(files, folder)
  const checkpoint = saved ?? emptyCheckpoint
  const needed = generations.filter((generation) => generation >= checkpoint.journal)
  const isNew = saved === undefined && generations.length === 0 && files.list(join(folder, 'topics')).length === 0
  if (!isNew) checkSequence(needed, checkpoint.journal, folder)
  const deletedTopics = new Set<string>()
  let [tornBytes, frames] = [0, 0]
  for (const generation of needed) {
    const path = journalPath(folder, generation)
    const reading = readJournal(files, path, generation)
    let step = reading.next()
    for (; !step.done; step = reading.next()) {
      frames += 1
      for (const entry of step.value) if (entry.kind === 'topic-deleted') deletedTopics.add(entry.topicId)
    }
    const { end, torn } = step.value
    if (torn > 0 && generation !== needed.at(-1)) throw broken(path, end)
    if (torn > 0) await cutTail(files, step.value)
    tornBytes += torn
  }
  const entries = function* (): Generator<JournalEntry> {
    for (const generation of needed) {
      for (const group of readJournal(files, journalPath(folder, generation), generation)) yield* group
    }
  }
  const lastGeneration = needed.at(-1) ?? 0
  return { checkpoint, entries, isEmpty: frames === 0, deletedTopics, lastGeneration, tornBytes }
}

/** Removes journals that are older than the checkpoint. */
export function removeJournalsBefore(files: Files, folder: string, generation: number): void {
  for (const old of journalGenerations(files, folder)) {
    if (old < generation) files.removeFile(journalPath(folder, old))
  }
}

/** Step 3 for one partition. @throws BrokenLogError if bytes are missing that the checkpoint has */
export function restoreSegments(files: Files, partition: LogPartition): void {
  const known = new Set(partition.segments.map((segment) => segment.file))
  for (const file of files.list(partition.folder)) {
    if (segmentFile.test(file) && !known.has(file.replace(/index$/, 'log')))
      files.removeFile(join(partition.folder, file))
  }
  for (const segment of partition.segments) segment.restore()
}

/** Step 4 for one batch. @throws BrokenLogError if a batch before it is missing */
export function replayBatch(partition: LogPartition, batch: Buffer): void {
  const offset = baseOffsetAt(batch, 0)
  if (offset !== partition.logEndOffset) {
    const name = `${partition.topic}-${partition.index}`
    throw new BrokenLogError(
      `The log of ${name} is broken: it ends at offset ${partition.logEndOffset}, but the journal continues at ${offset}`,
    )
  }
  partition.replay(batch)
}

/** Read now, so that a journal with a successor is known to be complete. */
async function cutTail(files: Files, journal: JournalEnd): Promise<void> {
  const fd = files.open(journal.path)
  try {
    files.truncate(fd, journal.end)
    await files.sync(fd)
  } finally {
    files.close(fd)
  }
}

function journalGenerations(files: Files, folder: string): number[] {
  return files
    .list(folder)
    .flatMap((name) => /^journal-(\d{10,})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

function checkSequence(generations: readonly number[], first: number, folder: string): void {
  for (let index = 0; index < Math.max(generations.length, 1); index++) {
    if (generations[index] === first + index) continue
    throw new BrokenLogError(`The log in ${folder} is broken: ${journalPath(folder, first + index)} is missing`)
  }
}
