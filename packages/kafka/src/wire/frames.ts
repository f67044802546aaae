/**
 * Cuts a stream of bytes into frames: four bytes of length, then as many bytes of message. No memory is allocated for a
 * frame before its bytes have arrived, so a false length costs nothing.
 */
/** A length that no frame may have. Where the next frame begins is then unknown, so the connection has to be closed. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const LENGTH_BYTES = 4

/**
 * The frames of one connection, in their order: `push` the received bytes, then take the frames by `next`.
 * @example
 * ```ts
 * import { FrameSplitter } from '@streampay/kafka/wire'
 *
 * const splitter = new FrameSplitter()
 * splitter.push(Buffer.from([0, 0, 0, 2, 7]))
 * console.log(splitter.next(1_000), splitter.hasBegun) // → null true
 * splitter.push(Buffer.from([8]))
 * console.log(splitter.next(1_000)) // → <Buffer 07 08>
 * ```
 */
export class FrameSplitter {
  #chunks: Buffer[] = []
  #buffered = 0

  /** Whether the last call of `next` left bytes of an incomplete frame. */
  get hasBegun(): boolean {
    return this.#buffered > 0
  }

  /** Adds received bytes. They are not copied, so they must not be changed. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
  }

  /**
   * The next whole frame without its length, or null until more bytes come. It may be a view on a chunk.
   * @throws FrameError for a length below zero or above the limit
   */
  next(maxFrameBytes: number): Buffer | null {
    if (this.#buffered < LENGTH_BYTES) return null
    const size = this.#peekLength()
    if (size < 0 || size > maxFrameBytes) {
      throw new FrameError(`a frame of ${size} bytes, where 0 to ${maxFrameBytes} are allowed`)
    }
    if (this.#buffered < LENGTH_BYTES + size) return null
    const all = this.#joined()
    const frame = all.subarray(LENGTH_BYTES, LENGTH_BYTES + size)
    const rest = all.subarray(LENGTH_BYTES + size)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#buffered = rest.length
    return frame
  }

  #peekLength(): number {
    const first = this.#chunks[0]
    if (first && first.length >= LENGTH_BYTES) return first.readInt32BE(0)
    return this.#joined().readInt32BE(0)
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#buffered)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }
}
