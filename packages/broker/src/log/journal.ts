/**
 * The one write-ahead log of a data folder, and the group commit.
 *
 * The reason for one journal instead of a sync of every partition's file: a transaction of the payments service has batches in about
 * forty partitions; forty fdatasyncs take 10 ms and more, one takes 0.35 ms (measured: 64 producers on one file commit 42k
 * times a second, over 16 files 9.7k). So each group is written to the journal, synced once for all waiting commits,
 * and copied to the segment files through the page cache meanwhile. Segments are synced only at a checkpoint, after
 * which the journal before it is not needed any more.
 *
 *     waiting ──take all──► write frame ─► fdatasync ┐
 *        ▲                        └─► write segments ┴─► durable: acknowledge, advance the high watermark
 *        └── commits that arrive meanwhile form the next group; there is no linger
 *
 * After a failed write or sync the state of the page cache is unknown, so the journal fails permanently: waiting commits are
 * refused, no more are accepted, and the next start recovers from the disk.
 */

import { join } from 'node:path'
import { errors } from '@streampay/kafka/wire'
import { moments, tellMoment } from '@streampay/process'
import { ApiError } from './api-error.ts'
import type { Files } from './files.ts'
import { type EncodedEntry, encodeEntry, encodeFrameHeader, type JournalEntry } from './journal-format.ts'

/** The steps of a commit besides the write to the journal. None of them but `write` may throw. */
export type CommitSteps = {
  /** Copies the data to where it is read from; called in the order of commits, before it is durable. */
  readonly write?: () => void
  readonly durable: () => void
  readonly failed: (error: ApiError) => void
}

export type Checkpointer = {
  /**
   * Called when the last group before the cut is taken. State that changes at the request of a commit (producers, end
   * offsets) is captured here: it includes that group, and no commit that arrives while it is synced.
   */
  capture(): CapturedCheckpoint
}

export type CapturedCheckpoint = {
  /** Called when that group is durable: captures the state that changes then (files, topics, log starts). */
  freeze(): void
  /** Syncs the segments and saves the state; `generation` is the first journal to replay over it. */
  save(generation: number): Promise<void>
}

export type Journal = {
  readonly failed: ApiError | undefined
  /** Resolves with the error that stopped the journal, if one occurs. */
  readonly failure: Promise<Error>
  /** @throws ApiError KAFKA_STORAGE_ERROR when failed or closed, NOT_ENOUGH_REPLICAS when too many bytes wait */
  checkAccepts(): void
  commit(entry: JournalEntry, steps: CommitSteps): void
  /** The same as a promise. */
  commitDurably(entry: JournalEntry, write?: () => void): Promise<void>
  /** Resolves when a checkpoint that begins now or later is saved. */
  checkpoint(): Promise<void>
  fail(error: unknown): void
  close(): Promise<void>
}

type Commit = { readonly entry: EncodedEntry; readonly steps: CommitSteps }
type CheckpointRequest = { resolve: () => void; reject: (error: Error) => void }

/** Beyond this size producers are refused (before anything is written, so that they retry): memory stays limited. */
const maxWaitingBytes = 256 * 1024 * 1024
/** While a checkpoint is saved, the journal may grow to this multiple of a checkpoint's bytes; then commits wait. */
const maxCheckpointsBehind = 8

export function journalPath(folder: string, generation: number): string {
  return join(folder, `journal-${String(generation).padStart(10, '0')}`)
}

export function openJournal(options: {
  readonly files: Files
  readonly folder: string
  /** A generation number without a file. */
  readonly generation: number
  readonly checkpointBytes: number
  readonly checkpointer: Checkpointer
}): Journal {
  return new GroupCommitJournal(options)
}

class GroupCommitJournal implements Journal {
  failed: ApiError | undefined
  readonly failure: Promise<Error>
  readonly #options: Parameters<typeof openJournal>[0]
  #generation: number
  #fd: number
  /** Resolves when the file's name is durable. Only the first commit waits for it; a start does not. */
  readonly #named: Promise<void>
  #position = 0
  #sequence = 0
  #waiting: Commit[] = []
  #waitingBytes = 0
  #loop: Promise<void> | undefined
  #checkpointRequests: CheckpointRequest[] = []
  /** The save in progress. Only one at a time: the journal grows meanwhile, and the next checkpoint covers all of it. */
  #saving: Promise<void> | undefined
  #closed = false
  #reportFailure: (error: Error) => void = () => undefined

  constructor(options: Parameters<typeof openJournal>[0]) {
    this.#options = options
    this.#generation = options.generation
    this.#fd = options.files.open(journalPath(options.folder, options.generation))
    this.#named = options.files.syncFolder(options.folder)
    this.#named.catch(() => undefined) // The first commit awaits it and fails with it.
    this.failure = new Promise((resolve) => {
      this.#reportFailure = resolve
    })
  }

  checkAccepts(): void {
    if (this.failed) throw this.failed
    if (this.#closed) throw storageError('The log is closed')
    if (this.#waitingBytes > maxWaitingBytes) {
      throw new ApiError(errors.NOT_ENOUGH_REPLICAS, `More than ${maxWaitingBytes} bytes wait to be written`)
    }
  }

  commit(entry: JournalEntry, steps: CommitSteps): void {
    if (this.failed) {
      steps.failed(this.failed)
      return
    }
    const encoded = encodeEntry(entry)
    this.#waiting.push({ entry: encoded, steps })
    this.#waitingBytes += encoded.bytes
    this.#wake()
  }

  commitDurably(entry: JournalEntry, write?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.commit(entry, { durable: resolve, failed: reject, ...(write && { write }) })
    })
  }

  checkpoint(): Promise<void> {
    if (this.failed) return Promise.reject(this.failed)
    return new Promise((resolve, reject) => {
      this.#checkpointRequests.push({ resolve, reject })
      this.#wake()
    })
  }

  /** Waits for commits and saves in progress. The owner requests the last checkpoint. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#loop
    await this.#saving?.catch(() => undefined)
    await this.#named.catch(() => undefined)
    if (this.#fd !== -1) this.#options.files.close(this.#fd)
    this.#fd = -1
  }

  fail(cause: unknown): void {
    if (this.failed) return
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.failed = storageError(`The log stopped, since writing failed: ${reason}`, cause)
    const commits = this.#waiting
    this.#waiting = []
    for (const commit of commits) commit.steps.failed(this.failed)
    this.#rejectCheckpoints()
    this.#reportFailure(this.failed)
  }

  #wake(): void {
    this.#loop ??= this.#run().finally(() => {
      this.#loop = undefined
      // A commit that came after the loop's last check would otherwise wait for the next commit.
      if (!this.failed && (this.#waiting.length > 0 || this.#mayCheckpoint())) this.#wake()
    })
  }

  async #run(): Promise<void> {
    // One turn of the event loop: requests that arrived together share the first sync.
    await new Promise((resolve) => setImmediate(resolve))
    while (!this.failed && (this.#waiting.length > 0 || this.#mayCheckpoint())) {
      // If the disk syncs segments more slowly than the journal, the journal must not become too long for a start to replay.
      if (this.#position >= this.#options.checkpointBytes * maxCheckpointsBehind) await this.#saving
      const group = this.#waiting
      this.#waiting = []
      this.#waitingBytes = 0
      // Captured now, because commits that arrive during the sync change the state but belong to the next journal.
      const captured = this.#mayCheckpoint() ? this.#capture() : undefined
      if (group.length > 0 && !(await this.#flush(group))) return
      if (captured) await this.#cut(captured)
    }
  }

  #capture(): CapturedCheckpoint | undefined {
    try {
      return this.#options.checkpointer.capture()
    } catch (error) {
      this.fail(error)
      return undefined
    }
  }

  async #flush(group: readonly Commit[]): Promise<boolean> {
    if (this.failed) {
      for (const commit of group) commit.steps.failed(this.failed)
      return false
    }
    const { files } = this.#options
    try {
      const entries = group.flatMap((commit) => commit.entry.buffers)
      const header = encodeFrameHeader(entries, { generation: this.#generation, sequence: this.#sequence++ })
      files.write(this.#fd, [header, ...entries], this.#position)
      this.#position += header.length + bytesOf(group)
      const synced = files.sync(this.#fd)
      synced.catch(() => undefined) // Awaited below; a write that throws first must not leave it unhandled.
      for (const commit of group) commit.steps.write?.()
      await synced
      await this.#named
      if (moments.hasSubscribers) tellMoment({ step: 'synced', bytes: bytesOf(group) })
    } catch (error) {
      this.fail(error)
      for (const commit of group) commit.steps.failed(this.failed ?? storageError('The log stopped'))
      return false
    }
    for (const commit of group) commit.steps.durable()
    return true
  }

  #mayCheckpoint(): boolean {
    if (this.#saving !== undefined) return false
    return this.#checkpointRequests.length > 0 || this.#position >= this.#options.checkpointBytes
  }

  /** Begins the next journal and saves the captured state while commits continue. */
  async #cut(captured: CapturedCheckpoint): Promise<void> {
    const { files, folder } = this.#options
    const requests = this.#checkpointRequests
    this.#checkpointRequests = []
    try {
      captured.freeze()
      const fd = files.open(journalPath(folder, this.#generation + 1))
      await files.syncFolder(folder)
      files.close(this.#fd)
      this.#fd = fd
      this.#generation += 1
      this.#position = 0
      this.#sequence = 0
    } catch (error) {
      for (const request of requests) request.reject(asError(error))
      this.fail(error)
      return
    }
    this.#saving = this.#save(captured, requests)
  }

  async #save(captured: CapturedCheckpoint, requests: readonly CheckpointRequest[]): Promise<void> {
    try {
      await captured.save(this.#generation)
      this.#saving = undefined
      for (const request of requests) request.resolve()
    } catch (error) {
      this.#saving = undefined
      this.fail(error)
      for (const request of requests) request.reject(this.failed ?? asError(error))
    }
    if (!this.failed && this.#mayCheckpoint()) this.#wake()
  }

  #rejectCheckpoints(): void {
    const requests = this.#checkpointRequests
    this.#checkpointRequests = []
    for (const request of requests) request.reject(this.failed ?? storageError('The log stopped'))
  }
}

function bytesOf(group: readonly Commit[]): number {
  return group.reduce((sum, { entry }) => sum + entry.bytes, 0)
}

function storageError(message: string, cause?: unknown): ApiError {
  return new ApiError(errors.KAFKA_STORAGE_ERROR, message, { cause })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
