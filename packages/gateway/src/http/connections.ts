/**
 * Open connections: how many there may be, of all and of each address, and how long each of their phases may take.
 *
 *     accepted ──► TLS ──► first header block ──► requests ──► idle ──► closed
 *              handshakeMs   firstRequestMs    requestMs each   idleMs
 *
 * The times of HTTP/1.1 are Node's own (`headersTimeout` and others); for HTTP/2 Node has none, so they are kept here. They
 * count from the beginning of a phase, not from the last byte: a client that sends a byte now and then, or a PING, gains
 * nothing. A header block that stays open (HEADERS or CONTINUATION without END_HEADERS) is no request yet, so the time of
 * the phase before it goes on. In a phase without limit of its own, an answer under way, something must be taken by the
 * client every `stalledMs`. Node's timeout of an HTTP/2 stream does not tell that: whatever goes out on the connection, an
 * answer to PING included, begins it anew.
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
  /** Connections of a proxy are those of its clients: only the bound of all counts for it. */
  readonly isProxy: (address: string | undefined) => boolean
  readonly onRefused: (reason: ConnectionRefusal) => void
}

export type ConnectionRefusal = 'all' | 'address'

export type Connections = {
  /** Lets what is under way finish, takes nothing new; what is left after the time is cut. */
  readonly close: (graceMs: number) => void
}

/** How often Node looks for connections of HTTP/1.1 whose time is over. */
const checkEveryMs = 1_000
/** A client that was told to go has so long to do so. */
const goodbyeMs = 1_000
/** A stalled answer is given up a quarter late at most. */
const looksUntilStalled = 4
/** RFC 9113, section 6.2: no body follows. */
const endOfStream = constants.NGHTTP2_FLAG_END_STREAM

/** Options of the server, where Node keeps the times. */
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
  // The time without any byte on a connection.
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

/** Counts each connection from the moment it is accepted, before TLS. The sockets of those that are open. */
function admitSockets(app: App, { limits, isProxy, onRefused }: ConnectionOptions): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  const byAddress = new Map<string, number>()
  // Node's own time for TLS begins anew with every byte.
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

/** A socket with TLS does not say which one it was made of; the other end is the same. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

/** Stands before what takes new connections so far: `goOn` hands one to it. What is put there later comes first. */
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
    // A client that sends its next request just now is told that it was not taken (RFC 9113, section 6.8).
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

/** The part of a stream that is looked at. */
export type AnsweringStream = {
  readonly bufferSize: number
  readonly session?: { readonly state: { readonly remoteWindowSize?: number | undefined } } | undefined
  once(event: 'close', listener: () => void): unknown
}

/**
 * Gives up when something waits to be sent and the client takes nothing: less must wait, or the window of the connection
 * differ, which data takes from and the client gives to (RFC 9113, section 6.9). What is added meanwhile is not taken.
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
