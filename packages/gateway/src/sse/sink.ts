/**
 * The response of a stream, the same for HTTP/1.1 and HTTP/2: writes, unsent bytes, and the end.
 *
 *     write ──► queue (references; bytes are shared with other streams) ──piece by piece──► Node's response ──► client
 *
 * Node encrypts, and so copies, all bytes that it gets at once. Therefore written bytes wait in a queue, where a burst for a
 * thousand clients is in memory once, and each client gets the next piece when it has taken the one before.
 */
import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2'

export type Sink = {
  /** Queues the bytes, which must not be changed any more; has no effect after the end. */
  readonly write: (bytes: Buffer) => void
  /** Bytes that the client has not taken yet. */
  readonly bufferedBytes: () => number
  /** Resolves with true when all bytes were taken, with false after the time or if the client has gone. One call at a time. */
  readonly drained: (timeoutMs: number) => Promise<boolean>
  /** Sends what is queued, then ends the response. */
  readonly end: () => void
  /** Drops the queued bytes and ends the response abruptly, so that the client notices it and reconnects. */
  readonly destroy: () => void
  readonly onClose: (callback: () => void) => void
}

/** RFC 9113, section 7: "the stream is no longer needed". */
const http2Cancel = 8
/** The bytes that Node gets at once for a client: at least Node's high-water mark, so that it emits `drain` when they are taken. */
const pieceBytes = 64 * 1024

export function openSink(raw: Http2ServerResponse): Sink {
  return new ResponseSink(raw)
}

class ResponseSink implements Sink {
  readonly #raw: Http2ServerResponse
  /** Undefined as long as no bytes wait, as on most streams most of the time. */
  #queue: Buffer[] | undefined
  #queuedBytes = 0
  /** Node has enough for now. HTTP/2 responses do not report whether they wait for a drain. */
  #isFull = false
  #isEnding = false
  #isClosed: boolean
  #onSettled: (() => void) | undefined

  constructor(raw: Http2ServerResponse) {
    this.#raw = raw
    // The client may have gone while its stream was prepared; then no event follows.
    this.#isClosed = isGone(raw)
    raw.on('close', () => {
      this.#isClosed = true
      this.#drop()
      this.#onSettled?.()
    })
    raw.on('drain', () => this.#goOn())
    // A client that disconnects during a write is no error of the gateway.
    raw.on('error', () => undefined)
  }

  write(bytes: Buffer): void {
    if (this.#isClosed || this.#isEnding) return
    if (!this.#isFull && bytes.length <= pieceBytes) {
      this.#isFull = !this.#raw.write(bytes)
      return
    }
    this.#queue ??= []
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#hand()
  }

  bufferedBytes(): number {
    return this.#raw.writableLength + this.#queuedBytes
  }

  drained(timeoutMs: number): Promise<boolean> {
    if (!this.#isFull || this.#isClosed) return Promise.resolve(!this.#isClosed)
    return new Promise((resolve) => {
      const settle = (isInTime: boolean) => {
        clearTimeout(timer)
        this.#onSettled = undefined
        resolve(isInTime && !this.#isClosed)
      }
      const timer = setTimeout(() => settle(false), timeoutMs)
      this.#onSettled = () => settle(true)
    })
  }

  end(): void {
    if (this.#isClosed || this.#isEnding) return
    this.#isEnding = true
    if (this.#queue === undefined) this.#raw.end()
  }

  destroy(): void {
    this.#drop()
    this.#isEnding = true
    // On HTTP/2 only the stream ends, because the connection has other streams.
    const stream: Partial<ServerHttp2Stream> | undefined = this.#raw.stream
    stream?.close?.(http2Cancel)
    this.#raw.destroy()
  }

  onClose(callback: () => void): void {
    if (this.#isClosed) queueMicrotask(callback)
    else this.#raw.once('close', callback)
  }

  /** Node takes more bytes. */
  #goOn(): void {
    this.#isFull = false
    this.#hand()
    if (!this.#isFull) this.#onSettled?.()
  }

  /** Passes on as many bytes as Node takes. */
  #hand(): void {
    const queue = this.#queue
    if (queue === undefined || this.#isClosed) return
    let taken = 0
    for (; taken < queue.length && !this.#isFull; taken++) {
      const bytes = queue[taken]
      if (bytes === undefined) break
      const piece = bytes.length > pieceBytes ? bytes.subarray(0, pieceBytes) : bytes
      this.#queuedBytes -= piece.length
      this.#isFull = !this.#raw.write(piece)
      if (piece.length === bytes.length) continue
      queue[taken] = bytes.subarray(pieceBytes)
      // The rest of it is the next piece.
      taken--
    }
    if (taken < queue.length) {
      if (taken > 0) queue.splice(0, taken)
      return
    }
    this.#queue = undefined
    if (this.#isEnding) this.#raw.end()
  }

  #drop(): void {
    this.#queue = undefined
    this.#queuedBytes = 0
  }
}

function isGone(raw: Http2ServerResponse): boolean {
  // HTTP/1.1 responses have no stream of their own, although their type has one.
  const stream: ServerHttp2Stream | undefined = raw.stream
  return stream === undefined ? raw.destroyed : stream.destroyed
}
