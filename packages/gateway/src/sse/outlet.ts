/**
 * What the views of one stream write through. What happens now leaves at once. History leaves in pieces, one after the other
 * over all views of the stream, each when the one before has been taken; so a stream of many views holds no more of it in
 * memory than a stream of one.
 */
import type { Sink } from './sink.ts'

export type OutletOptions = {
  readonly sink: Sink
  /** What may have piled up before something more is written. */
  readonly bufferBytes: number
  /** A client that takes nothing for so long during its history is slow. */
  readonly patienceMs: number
  readonly onSlow: () => void
}

export class Outlet {
  readonly #options: OutletOptions
  #turn: Promise<void> = Promise.resolve()
  /** Of the piece of history that the client has not taken yet. */
  #pieceBytes = 0

  constructor(options: OutletOptions) {
    this.#options = options
  }

  /** What happens now. */
  write(bytes: Buffer): void {
    const { sink, bufferBytes, onSlow } = this.#options
    // What piled up before counts, not what is written now: a burst is no fault of the client. Nor is the size of a piece.
    if (sink.bufferedBytes() - this.#pieceBytes > bufferBytes) onSlow()
    else sink.write(bytes)
  }

  /**
   * A piece of history, made when its turn comes; undefined if it is no longer wanted then. Resolves true when the client has
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
