/** A client that speaks real HTTPS, over HTTP/1.1 and HTTP/2, and reads event streams. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { openTestStream, type TestStream } from './test-stream.ts'

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  readonly json: () => unknown
}

export type Call = {
  readonly method?: string
  readonly token?: string | undefined
  /** Several values of one name become several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Sent as JSON; a string, and bytes, as they are. */
  readonly body?: unknown
  /** Gives the request up. */
  readonly signal?: AbortSignal
  /** A POST has a new idempotency key by default; this one has none but what `headers` say. */
  readonly withoutKey?: boolean
}

export type TestClient = {
  readonly call: (path: string, call?: Call) => Promise<Answer>
  readonly stream: (path: string, call?: Call) => Promise<TestStream>
  readonly close: () => void
}

export function openHttp1(port: number): TestClient {
  const send = (path: string, call: Call) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const { method, headers, payload } = prepare(call)
      const options = {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers,
        rejectUnauthorized: false,
        agent: false as const,
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      }
      const request = httpsRequest(options, resolve)
      request.on('error', reject)
      request.end(payload)
    })
  return {
    call: async (path, call = {}) => {
      const response = await send(path, call)
      return answerOf(response.statusCode ?? 0, response.headers, await textOf(response))
    },
    stream: async (path, call = {}) => {
      const response = await send(path, asStream(call))
      return openTestStream(response, {
        status: response.statusCode ?? 0,
        headers: response.headers,
        end: () => response.destroy(),
      })
    },
    close: () => undefined,
  }
}

export function openHttp2(port: number): TestClient {
  let session: ClientHttp2Session | undefined
  const send = (path: string, call: Call) =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: Readable }>((resolve, reject) => {
      if (session === undefined || session.closed || session.destroyed) {
        session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
        session.on('error', () => undefined)
      }
      const { method, headers, payload } = prepare(call)
      const request = session.request(
        { ':method': method, ':path': path, ...headers },
        call.signal === undefined ? {} : { signal: call.signal },
      )
      request.on('response', (received) =>
        resolve({ status: received[':status'] ?? 0, headers: received, body: request }),
      )
      request.on('error', reject)
      request.end(payload)
    })
  return {
    call: async (path, call = {}) => {
      const { status, headers, body } = await send(path, call)
      return answerOf(status, headers, await textOf(body))
    },
    stream: async (path, call = {}) => {
      const { status, headers, body } = await send(path, asStream(call))
      return openTestStream(body, { status, headers, end: () => body.destroy() })
    },
    close: () => session?.destroy(),
  }
}

function prepare({ method = 'GET', token, headers = {}, body, withoutKey = false }: Call) {
  const isReady = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
  const verb = body !== undefined && method === 'GET' ? 'POST' : method
  return {
    method: verb,
    payload: isReady ? body : JSON.stringify(body),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(verb === 'POST' && !withoutKey ? { 'idempotency-key': randomUUID() } : {}),
      ...headers,
    } as Record<string, string | string[]>,
  }
}

function asStream(call: Call): Call {
  return { ...call, headers: { accept: 'text/event-stream', ...call.headers } }
}

function answerOf(status: number, headers: Readonly<Record<string, unknown>>, text: string): Answer {
  const texts = Object.entries(headers).map(([name, value]) => [name, value === undefined ? undefined : String(value)])
  return { status, headers: Object.fromEntries(texts), text, json: () => JSON.parse(text) as unknown }
}

async function textOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(Buffer.from(chunk as Buffer))
  return Buffer.concat(chunks).toString('utf8')
}
