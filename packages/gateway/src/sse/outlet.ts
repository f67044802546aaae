/**
 * The output of one stream, which its views share. New events are sent at once. History is sent in pieces, one at a time
 * over all views of the stream, each when the client has taken the one before; so a stream of many views has no more history in
 * memory than a stream of one.
 */
import type { Sink } from './sink.ts'

export type OutletOptions = {
  readonly sink: Sink
  /** The number of unsent bytes at which a further write ends the stream. */
  readonly bufferBytes: number
  /** A client that takes no bytes for this time during its history is slow. */
  readonly patienceMs: number
  readonly onSlow: () => void
}

export class Outlet {
  readonly #options: OutletOptions
  #turn: Promise<void> = Promise.resolve()
  /** The bytes of the piece of history that the client has not taken yet. */
  #pieceBytes = 0

  constructor(options: OutletOptions) {
    this.#options = options
  }

  /** Sends new events at once. */
  write(bytes: Buffer): void {
    const { sink, bufferBytes, onSlow } = this.#options
    // Only bytes that were unsent before count: a burst is no fault of the client, and neither is the size of a piece.
    if (sink.bufferedBytes() - this.#pieceBytes > bufferBytes) onSlow()
    else sink.write(bytes)
  }

  /**
   * A piece of history, created when its turn comes; undefined if it is no longer needed then. Resolves with true when the client has
   * taken it.
   */
  send(make: () => Buffer | undefined): Promise<boolean> {
    const { sink, patienceMs, onSlow } = this.#options
    const sent = this.#turn.then(async () => {
      const bytes = make()
      if (bytes === undefined) return false
      this.#pieceBytes = bytes.length
      sink.write(bytes)
      const taken = await sink.drained(patienceMs)
      this.#pieceBytes = 0
      if (!taken) onSlow()
      return taken
    })
    this.#turn = sent.then(
      () => undefined,
      () => undefined,
    )
    return sent
  }
}
