/**
 * The one write-ahead log of a data folder, and the group commit.
 *
 * Why one journal and not a sync of every partition's file: a transaction of the payments service touches some forty
 * partitions; forty fdatasyncs cost 10 ms and more, one costs 0.35 ms (measured: 64 producers on one file commit 42k
 * times a second, over 16 files 9.7k). So each group is written to the journal, synced once for everybody who waits,
 * and copied to the segment files through the page cache meanwhile. Segments are synced only at a checkpoint, after
 * which the journal before it is not needed any more.
 *
 *     waiting ──take all──► write frame ─► fdatasync ┐
 *        ▲                        └─► write segments ┴─► durable: acknowledge, advance the high watermark
 *        └── commits that arrive meanwhile form the next group; there is no linger
 *
 * After a failed write or sync nothing is known about the page cache, so the journal fails for good: whoever waits is
 * refused, nothing more is accepted, and the next start decides from what is on the disk.
 */

import { join } from 'node:path'
import { errors } from '@streampay/kafka/wire'
import { moments, tellMoment } from '@streampay/process'
import { BrokerError } from './broker-error.ts'
import type { Files } from './files.ts'
import { type EncodedEntry, encodeEntry, encodeFrameHeader, type JournalEntry } from './journal-format.ts'

/** What a commit does besides being in the journal. None of these may throw but `write`. */
export type CommitSteps = {
  /** Copies the data to where it is read from; called in commit order, before it is durable. */
  readonly write?: () => void
  readonly durable: () => void
  readonly failed: (error: BrokerError) => void
}

export type Checkpointer = {
  /**
   * Called when the last group before the cut is taken. What changes when a commit is asked for (producers, end
   * offsets) is captured here: it holds that group, and nothing of the commits that arrive while it is synced.
   */
  capture(): CapturedCheckpoint
}

export type CapturedCheckpoint = {
  /** Called when that group is durable: captures what changes then (files, topics, log starts). */
  freeze(): void
  /** Syncs the segments and saves the state; `generation` is the first journal that must be replayed over it. */
  save(generation: number): Promise<void>
}

export type Journal = {
  readonly failed: BrokerError | undefined
  /** Resolves, if ever, with the fault that stopped the journal. */
  readonly failure: Promise<Error>
  /** @throws BrokerError KAFKA_STORAGE_ERROR when failed or closed, NOT_ENOUGH_REPLICAS when too much is waiting */
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

/** Beyond this producers are refused (before anything is written, so that they retry): memory stays bounded. */
const maxWaitingBytes = 256 * 1024 * 1024
/** A journal grows to so many times the bytes that ask for a checkpoint while the one before it is saved; then it waits. */
const maxCheckpointsBehind = 8

export function journalPath(folder: string, generation: number): string {
  return join(folder, `journal-${String(generation).padStart(10, '0')}`)
}

export function openJournal(options: {
  readonly files: Files
  readonly folder: string
  /** A generation that no file has yet. */
  readonly generation: number
  readonly checkpointBytes: number
  readonly checkpointer: Checkpointer
}): Journal {
  return new GroupCommitJournal(options)
}

class GroupCommitJournal implements Journal {
  failed: BrokerError | undefined
  readonly failure: Promise<Error>
  readonly #options: Parameters<typeof openJournal>[0]
  #generation: number
  #fd: number
  /** The file's name is durable. Only the first commit waits for it: a start need not. */
  readonly #named: Promise<void>
  #position = 0
  #sequence = 0
  #waiting: Commit[] = []
  #waitingBytes = 0
  #loop: Promise<void> | undefined
  #checkpointRequests: CheckpointRequest[] = []
  /** The save under way. Only one at a time: the journal grows meanwhile, and the next checkpoint takes it all. */
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
      throw new BrokerError(errors.NOT_ENOUGH_REPLICAS, `More than ${maxWaitingBytes} bytes wait to be written`)
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

  /** Waits for what is under way. The last checkpoint is the owner's to ask for. */
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
      // A commit between the loop's last look and here would otherwise wait for the next one.
      if (!this.failed && (this.#waiting.length > 0 || this.#mayCheckpoint())) this.#wake()
    })
  }

  async #run(): Promise<void> {
    // One turn of the event loop: the requests that arrived together share the first sync.
    await new Promise((resolve) => setImmediate(resolve))
    while (!this.failed && (this.#waiting.length > 0 || this.#mayCheckpoint())) {
      // A disk that syncs segments more slowly than the journal must not make a journal that no start gets through.
      if (this.#position >= this.#options.checkpointBytes * maxCheckpointsBehind) await this.#saving
      const group = this.#waiting
      this.#waiting = []
      this.#waitingBytes = 0
      // Captured now, since commits that arrive during the sync change the state but belong to the next journal.
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

  /** Begins the next journal and saves the captured state beside the traffic. */
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

function storageError(message: string, cause?: unknown): BrokerError {
  return new BrokerError(errors.KAFKA_STORAGE_ERROR, message, { cause })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
