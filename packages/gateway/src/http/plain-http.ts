/**
 * HTTP without TLS on the port of the gateway: what a browser sends for `http://localhost:9090`, or for an address typed
 * without a scheme. It is answered with the same address under https, instead of with silence. Nothing else is ever
 * answered without TLS.
 *
 * TLS begins with a record of type handshake (22, RFC 8446, section 5.1), HTTP/1.1 with the letters of a method, so the
 * first byte tells them apart. The time until it comes is bounded where connections are counted.
 */
import type { EventEmitter } from 'node:events'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { interpose } from './connections.ts'

/** Of the request line and headers. */
const maxHeadBytes = 8 * 1024
const headTimeoutMs = 5_000
const goodbyeMs = 1_000

/** Put before the bounds of connections, so that they count these as well. */
export function redirectPlainHttp(server: EventEmitter): void {
  interpose(server, (socket, goOn) => {
    // TLS takes the socket over, and with it what comes of its errors.
    const ignore = () => undefined
    socket.on('error', ignore)
    socket.once('readable', () => {
      const first: Buffer | null = socket.read()
      if (first === null) return
      if (isLetter(first[0])) {
        answer(socket, first)
        return
      }
      socket.off('error', ignore)
      socket.unshift(first)
      goOn(socket)
    })
  })
}

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a
}

/** Reads the head, within its bounds, and sends the answer. */
function answer(socket: Socket, first: Buffer): void {
  let head = first
  const end = (status: number, headers: readonly string[]) => {
    clearTimeout(timer)
    socket.removeAllListeners('data')
    // What still comes, such as a body, is read and dropped, so that the answer isn't lost with the connection.
    socket.resume()
    setTimeout(() => socket.destroy(), goodbyeMs).unref()
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers, 'content-length: 0', 'connection: close']
    socket.end(`${lines.join('\r\n')}\r\n\r\n`)
  }
  const timer = setTimeout(() => end(408, []), headTimeoutMs)
  socket.once('close', () => clearTimeout(timer))
  const look = () => {
    if (head.includes('\r\n\r\n')) {
      const location = secureLocation(head.toString('latin1'))
      if (location === undefined) end(400, [])
      // 308 keeps method and body (RFC 9110, section 15.4.9), which the client sends again under TLS.
      else end(308, [`location: ${location}`])
    } else if (head.length >= maxHeadBytes) end(431, [])
  }
  socket.on('data', (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    look()
  })
  look()
}

/** The same address under https; the port stays. Undefined if the request doesn't say one that is safe to repeat. */
function secureLocation(head: string): string | undefined {
  const [requestLine = '', ...headers] = (head.split('\r\n\r\n')[0] ?? '').split('\r\n')
  const [, target] = /^[A-Z]+ (\/[\x21-\x7e]*) HTTP\/1\.[01]$/.exec(requestLine) ?? []
  const hosts = headers.flatMap((line) => /^host:[ \t]*(.*?)[ \t]*$/i.exec(line)?.[1] ?? [])
  const [host] = hosts
  if (target === undefined || host === undefined || hosts.length > 1) return undefined
  return /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i.test(host) ? `https://${host}${target}` : undefined
}
