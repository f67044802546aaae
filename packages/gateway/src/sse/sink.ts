/** The response of a stream, the same for HTTP/1.1 and HTTP/2: what is written, what piles up, when it ends. */
import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2'

export type Sink = {
  /** Queues the bytes; nothing after the end. */
  readonly write: (bytes: Buffer) => void
  /** Bytes that the client has not taken yet. */
  readonly bufferedBytes: () => number
  /** Resolves true when everything was taken, false if it was not in time or the client has gone. */
  readonly drained: (timeoutMs: number) => Promise<boolean>
  /** Sends what is queued, then ends the response. */
  readonly end: () => void
  /** Drops what is queued and ends the response abruptly, so that the client notices and comes back. */
  readonly destroy: () => void
  readonly onClose: (callback: () => void) => void
}

/** RFC 9113, section 7: "the stream is no longer needed". */
const http2Cancel = 8

export function openSink(raw: Http2ServerResponse): Sink {
  // The client may have gone while its stream was prepared; then no event tells it any more.
  let closed = isGone(raw)
  // Responses of HTTP/2 do not say themselves whether they wait for a drain.
  let full = false
  raw.on('close', () => {
    closed = true
  })
  raw.on('drain', () => {
    full = false
  })
  // A client that goes away mid-write is no fault of ours.
  raw.on('error', () => undefined)

  return {
    write: (bytes) => {
      if (!closed && !raw.writableEnded) full = !raw.write(bytes)
    },
    bufferedBytes: () => raw.writableLength,
    drained: (timeoutMs) => (full && !closed ? waitForDrain(raw, timeoutMs) : Promise.resolve(!closed)),
    end: () => {
      if (!closed && !raw.writableEnded) raw.end()
    },
    destroy: () => {
      // On HTTP/2 only the stream is given up; the connection carries others.
      const stream: Partial<ServerHttp2Stream> | undefined = raw.stream
      stream?.close?.(http2Cancel)
      raw.destroy()
    },
    onClose: (callback) => {
      if (closed) queueMicrotask(callback)
      else raw.once('close', callback)
    },
  }
}

function isGone(raw: Http2ServerResponse): boolean {
  // HTTP/1.1 responses have no stream of their own, although the type says so.
  const stream: ServerHttp2Stream | undefined = raw.stream
  return stream === undefined ? raw.destroyed : stream.destroyed
}

function waitForDrain(raw: Http2ServerResponse, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (drained: boolean) => {
      clearTimeout(timer)
      raw.off('drain', onDrain)
      raw.off('close', onClose)
      resolve(drained)
    }
    const onDrain = () => settle(true)
    const onClose = () => settle(false)
    const timer = setTimeout(() => settle(false), timeoutMs)
    raw.once('drain', onDrain)
    raw.once('close', onClose)
  })
}
