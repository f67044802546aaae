/**
 * HTTP without TLS on the port of the gateway: a browser sends it for `http://localhost:9090`, or for an address typed
 * without a scheme. The response redirects to the same address under https; otherwise the browser would get none. No other
 * response is sent without TLS.
 *
 * TLS begins with a record of type handshake (22, RFC 8446, section 5.1), HTTP/1.1 with the letters of a method, so the
 * first byte decides which one it is. connections.ts limits the time until it comes.
 */
import type { EventEmitter } from 'node:events'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { interpose } from './connections.ts'

/** The size of the request line and headers. */
const maxHeadBytes = 8 * 1024
const headTimeoutMs = 5_000
const goodbyeMs = 1_000

/** Registered before the limits of connections, so that these connections count as well. */
export function redirectPlainHttp(server: EventEmitter): void {
  interpose(server, (socket, goOn) => {
    // TLS takes over the socket, and with it the errors.
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

/** Reads the head, within its limits, and sends the response. */
function answer(socket: Socket, first: Buffer): void {
  let head = first
  const end = (status: number, headers: readonly string[]) => {
    clearTimeout(timer)
    socket.removeAllListeners('data')
    // Later bytes, such as a body, are read and dropped, so that the response isn't lost with the connection.
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

/** The same address under https, with the same port. Undefined if the request's host is not safe to repeat. */
function secureLocation(head: string): string | undefined {
  const [requestLine = '', ...headers] = (head.split('\r\n\r\n')[0] ?? '').split('\r\n')
  const [, target] = /^[A-Z]+ (\/[\x21-\x7e]*) HTTP\/1\.[01]$/.exec(requestLine) ?? []
  const hosts = headers.flatMap((line) => /^host:[ \t]*(.*?)[ \t]*$/i.exec(line)?.[1] ?? [])
  const [host] = hosts
  if (target === undefined || host === undefined || hosts.length > 1) return undefined
  return /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i.test(host) ? `https://${host}${target}` : undefined
}
