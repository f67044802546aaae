/** Opens streams of events: on shared connections of HTTP/2, or on a connection of HTTP/1.1 for each. */
import { connect as connectHttp2 } from 'node:http2'
import { connect, createSecureContext } from 'node:tls'
import type { SseJob } from './sse-job.ts'

export type SseWatch = {
  /** Takes what came of one stream, a byte a character. */
  readonly stream: () => (text: string) => void
  /** A stream was ended, or failed. */
  readonly onEnd: (error: unknown) => void
}

/** Handshakes under way: few enough that none of them takes as long as a server waits. */
const openedAtOnce = 32

/** Resolves when all are answered with 200. */
export async function openStreams(job: SseJob, watch: SseWatch): Promise<void> {
  const open = job.connections === 0 ? ownStreams(job, watch) : sharedStreams(job, watch)
  const waiting = job.tokens.entries()
  const openAll = async () => {
    for (const [index, token] of waiting) await open(index, token)
  }
  await Promise.all(Array.from({ length: openedAtOnce }, openAll))
}

type Open = (index: number, token: string) => Promise<void>

function sharedStreams({ origin, ca, path, connections }: SseJob, { stream, onEnd }: SseWatch): Open {
  const sessions = Array.from({ length: connections }, () => connectHttp2(origin, { ca }))
  return (index, token) => {
    const take = stream()
    const request = sessions[index % connections]?.request({
      ':path': path,
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    })
    if (request === undefined) throw new Error('there is no session')
    request.setEncoding('latin1')
    request.on('data', take)
    request.on('error', onEnd)
    request.on('end', () => onEnd(new Error('a stream was ended')))
    return new Promise((resolve, reject) => {
      request.on('response', (headers) => {
        if (headers[':status'] === 200) resolve()
        else reject(new Error(`a stream was answered with ${headers[':status']}`))
      })
    })
  }
}

/** Requests by hand: an HTTP client would use as much CPU as the server, which runs on the same machine. */
function ownStreams({ origin, ca, path }: SseJob, { stream, onEnd }: SseWatch): Open {
  const { hostname, host, port } = new URL(origin)
  const secureContext = createSecureContext({ ca })
  const to = { host: '127.0.0.1', port: Number(port), servername: hostname, secureContext, ALPNProtocols: ['http/1.1'] }
  return (_, token) => {
    const take = stream()
    const socket = connect(to)
    socket.setEncoding('latin1')
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\nauthorization: Bearer ${token}\r\n\r\n`,
    )
    socket.on('error', onEnd)
    socket.on('end', () => onEnd(new Error('a stream was ended')))
    return new Promise((resolve, reject) => {
      socket.once('data', (head: string) => {
        if (!head.startsWith('HTTP/1.1 200'))
          reject(new Error(`a stream was answered with ${head.split('\r\n', 1)[0]}`))
        socket.on('data', take)
        resolve()
      })
    })
  }
}
