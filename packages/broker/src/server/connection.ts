/**
 * One client's connection: bytes in, frames, responses in order, bytes out.
 *
 * It reads no further while the client doesn't take its responses or has too many requests open, so that neither
 * queue can grow without bound. Whatever it can't understand closes it, with one line in the log.
 */
import type { Socket } from 'node:net'
import { MalformedError } from '@streampay/kafka/wire'
import type { ClientConnection } from '../apis/api.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from './config.ts'
import { type Dispatcher, RefusedRequest } from './dispatch.ts'
import { FrameError, FrameSplitter } from './frames.ts'
import { ResponseQueue } from './responses.ts'
import { openSaslSession, type ScramStore } from './sasl.ts'

export type ConnectionParts = {
  readonly id: number
  readonly dispatch: Dispatcher
  readonly config: BrokerConfig
  readonly credentials: ScramStore
  readonly logger: Logger
}

/** Serves the socket until either side closes it. */
export function serveConnection(socket: Socket, parts: ConnectionParts): void {
  const { id, dispatch, config, logger } = parts
  const host = socket.remoteAddress ?? 'unknown'
  const gone = new AbortController()
  const connection: ClientConnection = { id, host, sasl: openSaslSession(parts.credentials), closed: gone.signal }
  const frames = new FrameSplitter(config.maxFrameBytes)
  let paused = false
  let draining = false
  let requestBytes = 0

  const responses = new ResponseQueue((buffers) => {
    if (socket.destroyed) return
    socket.cork()
    for (const buffer of buffers) socket.write(buffer)
    socket.uncork()
    if (socket.writableNeedDrain) draining = true
  })

  const isFull = () =>
    draining ||
    responses.length >= config.maxRequestsInFlight ||
    requestBytes + responses.bytes >= config.maxBytesInFlight

  const resume = () => {
    if (!paused || isFull() || socket.destroyed) return
    paused = false
    readFrames()
    if (!paused) socket.resume()
  }

  const close = (error: unknown) => {
    if (socket.destroyed) return
    const expected = error instanceof MalformedError || error instanceof FrameError || error instanceof RefusedRequest
    const message = error instanceof Error ? error.message : String(error)
    if (expected) logger.warn({ connection: id, host, reason: message }, 'connection closed for what it sent')
    else logger.error({ connection: id, host, err: error }, 'connection closed by a fault of a handler')
    socket.destroy()
  }

  const serve = async (frame: Buffer) => {
    const respond = responses.reserve()
    requestBytes += frame.length
    try {
      const response = await dispatch(frame, connection)
      requestBytes -= frame.length
      respond(response)
    } catch (error) {
      close(error)
    }
    resume()
  }

  const readFrames = () => {
    try {
      while (!socket.destroyed) {
        if (isFull()) {
          paused = true
          socket.pause()
          return
        }
        const frame = frames.next()
        if (frame === null) return
        void serve(frame)
      }
    } catch (error) {
      close(error)
    }
  }

  socket.setNoDelay(true)
  socket.on('data', (chunk) => {
    frames.push(chunk as Buffer)
    if (!paused) readFrames()
  })
  socket.on('drain', () => {
    draining = false
    resume()
  })
  socket.on('error', (error) => logger.debug({ connection: id, host, err: error }, 'connection lost'))
  socket.on('close', () => gone.abort())
}
