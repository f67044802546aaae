/** What the parts of the mock gateway share: requests, answers, and the faults that a test switches on. */
import type { ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Books, Fault, ServiceTile } from '@streampay/domain'
import type { MockLedger } from './mock-ledger.ts'

export type MockRequest = Http2ServerRequest
export type MockResponse = Http2ServerResponse

/** Faults that a test switches on. */
export type MockFaults = {
  /** How the next command ends: `lost` breaks the connection after it was taken, `dropped` before; `replay` is answered as a repetition. */
  command?: 'lost' | 'dropped' | 'replay' | 'timeout' | 'unavailable' | 'hold'
  /** Every request is answered with status 500. */
  broken?: boolean
  /** Open streams are closed, and new ones refused. */
  streamsDown?: boolean
  /** Streams, open and new ones, deliver nothing any more. */
  silentStreams?: boolean
  /** No more streams are accepted; the answer asks for a pause of this many seconds. */
  tooManyStreams?: number
  /** Filled with the ids of each request to the directory. */
  askedIds?: (readonly string[])[]
  /** Every token is refused, and none is renewed, until the person signs in again. */
  sessionOver?: boolean
  /** The issuer doesn't grant the console's permission. */
  noConsole?: boolean
  /** Events are not counted in the statements. */
  statementsStop?: boolean
  /** Entries in one answer at most; 20 if not set. */
  pageSize?: number
  /** How long new tokens last; an hour if not set. */
  tokenSeconds?: number
}

/** What the launcher's control interface answers, and the orders that it got. */
export type MockControl = {
  services: ServiceTile[]
  books: Books | undefined
  faults: Fault[]
  speed: number
  /** Orders that came, in order. */
  readonly orders: string[]
}

export type MockContext = {
  readonly control: MockControl
  readonly ledger: MockLedger
  readonly faults: MockFaults
  readonly streams: Set<MockResponse>
  /** The views on each open stream. */
  readonly shown: Map<MockResponse, readonly string[]>
  /** Refresh tokens that were used, in order. */
  readonly refreshed: string[]
  /** Idempotency keys of the commands that came, in order. */
  readonly keys: string[]
  /** A promise for which a command waits when it comes; it continues once that is resolved. */
  readonly held: PromiseWithResolvers<void>
}

/** Ends a response as a broken connection would. */
export function cut(response: MockResponse): void {
  // Over HTTP/1.1 the same interface has a socket and no stream of its own.
  if ('stream' in response) response.stream.close(2)
  else (response as ServerResponse).destroy()
}

export function json(response: MockResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

export function problem(response: MockResponse, status: number, slug: string, members: Record<string, unknown> = {}) {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ type: `urn:streampay:problem:${slug}`, title: slug, status, detail: slug, ...members }))
}

export async function bodyText(request: MockRequest): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

export async function bodyOf(request: MockRequest): Promise<Record<string, unknown>> {
  const text = await bodyText(request)
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}
