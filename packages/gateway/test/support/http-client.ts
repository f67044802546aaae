/** A client that speaks real HTTPS, over HTTP/1.1 and HTTP/2, and reads event streams. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'

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

export type TestEvent = { readonly id: string | undefined; readonly event: string; readonly data: string | undefined }

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

export type TestStream = {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** Events with data so far. */
  readonly events: readonly TestEvent[]
  /** The ids of all events so far, heartbeats included. */
  readonly ids: readonly string[]
  /** The id of the last event of any kind. */
  readonly lastId: () => string | undefined
  /** Heartbeats so far. */
  readonly heartbeats: () => number
  /** Resolves with the first event (from the `after`-th on) that fits; rejects when the stream ends before. */
  readonly event: (fits: (event: TestEvent) => boolean, after?: number) => Promise<TestEvent>
  /** Resolves with all data of messages once the history is complete. */
  readonly caughtUp: () => Promise<unknown[]>
  /** Parsed data of all messages so far. */
  readonly values: () => unknown[]
  readonly nextHeartbeat: () => Promise<string>
  readonly ended: Promise<void>
  readonly isEnded: () => boolean
  readonly pause: () => void
  readonly resume: () => void
  readonly close: () => void
}

type Head = { readonly status: number; readonly headers: Record<string, unknown>; readonly end: () => void }

function openTestStream(body: Readable, { status, headers, end }: Head): TestStream {
  const events: TestEvent[] = []
  const ids: string[] = []
  let beats = 0
  let isEnded = false
  const watchers = new Set<() => void>()
  const notify = () => {
    for (const watcher of [...watchers]) watcher()
  }
  let text = ''
  body.setEncoding('utf8')
  body.on('data', (chunk: string) => {
    text += chunk
    for (let at = text.indexOf('\n\n'); at !== -1; at = text.indexOf('\n\n')) {
      const event = parseEvent(text.slice(0, at))
      text = text.slice(at + 2)
      if (event.id !== undefined) ids.push(event.id)
      if (event.data !== undefined) events.push(event)
      else if (event.id !== undefined) beats++
    }
    notify()
  })
  const ended = new Promise<void>((resolve) => {
    const finish = () => {
      isEnded = true
      notify()
      resolve()
    }
    body.on('close', finish)
    body.on('end', finish)
    body.on('error', finish)
  })
  const until = <T>(find: () => T | undefined, what: string) =>
    new Promise<T>((resolve, reject) => {
      const check = () => {
        const found = find()
        if (found !== undefined) resolve(found)
        else if (isEnded) reject(new Error(`The stream ended before ${what}; it had ${JSON.stringify(events)}`))
        else return
        watchers.delete(check)
      }
      watchers.add(check)
      check()
    })
  const values = () =>
    events.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data ?? '') as unknown)
  return {
    status,
    headers,
    events,
    ids,
    lastId: () => ids.at(-1),
    heartbeats: () => beats,
    event: (fits, after = 0) => until(() => events.slice(after).find(fits), 'the event'),
    caughtUp: async () => {
      await until(() => events.find(({ event }) => event === 'caught-up'), 'it had caught up')
      return values()
    },
    values,
    nextHeartbeat: () => {
      const before = beats
      return until(() => (beats > before ? ids.at(-1) : undefined), 'a heartbeat')
    },
    ended,
    isEnded: () => isEnded,
    pause: () => body.pause(),
    resume: () => body.resume(),
    close: end,
  }
}

function parseEvent(block: string): TestEvent {
  let id: string | undefined
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w*): ?(.*)$/.exec(line) ?? []
    if (field === 'id') id = value
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
  }
  return { id, event, data: data.length === 0 ? undefined : data.join('\n') }
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
