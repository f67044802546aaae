/**
 * Limits of open connections: their number, of all and of each address, and the time of each of their phases.
 *
 *     accepted ──► TLS ──► first header block ──► requests ──► idle ──► closed
 *              handshakeMs   firstRequestMs    requestMs each   idleMs
 *
 * The times of HTTP/1.1 are Node's own (`headersTimeout` and others); for HTTP/2 Node has none, so this file keeps them. They
 * count from the beginning of a phase, not from the last byte: a client that sends a byte or a PING now and then does not extend
 * them. A header block that stays open (HEADERS or CONTINUATION without END_HEADERS) is no request yet, so the time of
 * the phase before it continues. The phase of a response has no limit, but the client must take some bytes
 * every `stalledMs`. Node's timeout of an HTTP/2 stream can't be used for that: all bytes sent on the connection, also an
 * answer to a PING, restart it.
 */
import type { EventEmitter } from 'node:events'
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Limits } from '../definition/definition.ts'
import { addressKey } from './address.ts'
import type { App } from './app.ts'

export type ConnectionTimes = Pick<Limits, 'handshakeMs' | 'firstRequestMs' | 'requestMs' | 'idleMs' | 'stalledMs'>

export type ConnectionOptions = {
  readonly limits: ConnectionTimes & Pick<Limits, 'connections' | 'connectionsOfAddress'>
  /** Connections of a proxy belong to its clients: only the limit of all counts for it. */
  readonly isProxy: (address: string | undefined) => boolean
  readonly onRefused: (reason: ConnectionRefusal) => void
}

export type ConnectionRefusal = 'all' | 'address'

export type Connections = {
  /** Finishes the requests under way and accepts no new ones; after the time, the remaining connections are cut. */
  readonly close: (graceMs: number) => void
}

/** How often Node looks for HTTP/1.1 connections whose time is over. */
const checkEveryMs = 1_000
/** The time in which a client has to close a connection that it was told to close. */
const goodbyeMs = 1_000
/** A stalled response is ended a quarter too late at most. */
const looksUntilStalled = 4
/** RFC 9113, section 6.2: no body follows. */
const endOfStream = constants.NGHTTP2_FLAG_END_STREAM

/** The options of Node's server that hold these times. */
export function timeOptions(times: ConnectionTimes) {
  return {
    headersTimeout: Math.min(times.firstRequestMs, times.requestMs),
    requestTimeout: times.requestMs,
    keepAliveTimeout: times.idleMs,
    connectionsCheckingInterval: Math.min(checkEveryMs, times.firstRequestMs),
  }
}

export function boundConnections(app: App, options: ConnectionOptions): Connections {
  const { limits } = options
  const sockets = admitSockets(app, options)
  const sessions = new Set<ServerHttp2Session>()
  // The time limit of a connection without any byte.
  app.server.setTimeout(limits.stalledMs)
  app.server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    timeSession(session, limits)
  })
  return {
    close: (graceMs) => {
      for (const session of sessions) session.close()
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy()
        for (const socket of sockets) socket.destroy()
      }, graceMs)
      timer.unref()
    },
  }
}

/** Counts each connection from the moment it is accepted, before TLS. Returns the sockets of the open ones. */
function admitSockets(app: App, { limits, isProxy, onRefused }: ConnectionOptions): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  const byAddress = new Map<string, number>()
  // Node's own time for TLS restarts with every byte.
  const handshakes = new Map<string, NodeJS.Timeout>()
  const secured = (end: string) => {
    clearTimeout(handshakes.get(end))
    handshakes.delete(end)
  }
  app.server.on('secureConnection', (socket) => secured(peerOf(socket)))
  interpose(app.server, (socket, goOn) => {
    const { remoteAddress } = socket
    const address = isProxy(remoteAddress) ? undefined : addressKey(remoteAddress)
    const ofAddress = address === undefined ? 0 : (byAddress.get(address) ?? 0)
    const refusal = sockets.size >= limits.connections ? 'all' : undefined
    const reason = refusal ?? (ofAddress >= limits.connectionsOfAddress ? 'address' : undefined)
    if (reason !== undefined) {
      onRefused(reason)
      socket.destroy()
      return
    }
    sockets.add(socket)
    if (address !== undefined) byAddress.set(address, ofAddress + 1)
    const end = peerOf(socket)
    handshakes.set(
      end,
      setTimeout(() => socket.destroy(), limits.handshakeMs),
    )
    socket.once('close', () => {
      secured(end)
      sockets.delete(socket)
      if (address === undefined) return
      const left = (byAddress.get(address) ?? 1) - 1
      if (left === 0) byAddress.delete(address)
      else byAddress.set(address, left)
    })
    goOn(socket)
  })
  return sockets
}

/** A TLS socket does not give access to its TCP socket; both have the same remote end. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

/** Runs before the existing listeners of new connections: `goOn` passes one to them. A later call runs before earlier ones. */
export function interpose(
  server: EventEmitter,
  onConnection: (socket: Socket, goOn: (socket: Socket) => void) => void,
): void {
  const listeners = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    onConnection(socket, (admitted) => {
      for (const listener of listeners) listener.call(server, admitted)
    })
  })
}

function timeSession(session: ServerHttp2Session, times: ConnectionTimes): void {
  let open = 0
  let timer = setTimeout(() => session.destroy(), times.firstRequestMs)
  const dismiss = () => {
    // A client that sends its next request at this moment learns that it was not processed (RFC 9113, section 6.8).
    session.close()
    timer = setTimeout(() => session.destroy(), goodbyeMs)
  }
  session.once('close', () => clearTimeout(timer))
  session.on('stream', (stream, _headers, flags) => {
    open++
    clearTimeout(timer)
    timeStream(stream, flags, times)
    stream.once('close', () => {
      open--
      if (open === 0 && !session.destroyed) timer = setTimeout(dismiss, times.idleMs)
    })
  })
}

function timeStream(stream: ServerHttp2Stream, flags: number, { requestMs, stalledMs }: ConnectionTimes): void {
  const giveUp = () => stream.close(constants.NGHTTP2_CANCEL)
  timeAnswer(stream, stalledMs, giveUp)
  if ((flags & endOfStream) !== 0) return
  const timer = setTimeout(giveUp, requestMs)
  const taken = () => clearTimeout(timer)
  stream.once('end', taken)
  stream.once('close', taken)
}

/** The used members of a stream. */
export type AnsweringStream = {
  readonly bufferSize: number
  readonly session?: { readonly state: { readonly remoteWindowSize?: number | undefined } } | undefined
  once(event: 'close', listener: () => void): unknown
}

/**
 * Calls `giveUp` when bytes wait to be sent and the client takes none. If it takes some, fewer bytes wait, or the connection's window
 * changes: sent data reduces it, the client increases it (RFC 9113, section 6.9). Bytes that are added meanwhile don't count as taken.
 */
export function timeAnswer(stream: AnsweringStream, stalledMs: number, giveUp: () => void): void {
  let waiting = 0
  let window: number | undefined
  let idleLooks = 0
  const look = () => {
    const before = { waiting, window }
    waiting = stream.bufferSize
    window = stream.session?.state.remoteWindowSize
    const isTaken = waiting === 0 || waiting < before.waiting || window !== before.window
    idleLooks = isTaken ? 0 : idleLooks + 1
    if (idleLooks >= looksUntilStalled) giveUp()
  }
  const timer = setInterval(look, stalledMs / looksUntilStalled)
  stream.once('close', () => clearInterval(timer))
}
