/** What the parts of the stand-in share: requests, answers, and what a test switches on. */
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
  /** Whatever is asked for is answered with status 500. */
  broken?: boolean
  /** Streams are neither kept nor opened. */
  streamsDown?: boolean
  /** Streams that are open, and new ones, carry nothing any more. */
  silentStreams?: boolean
  /** No more streams are let in; they are told to wait for so many seconds. */
  tooManyStreams?: number
  /** Filled with the ids of each request to the directory. */
  askedIds?: (readonly string[])[]
  /** Every token is refused, and none is renewed, until somebody signs in again. */
  sessionOver?: boolean
  /** The issuer doesn't grant the console's permission. */
  noConsole?: boolean
  /** What happens is not counted in the statements. */
  statementsStop?: boolean
  /** Entries in one answer at most; 20 if not set. */
  pageSize?: number
  /** How long new tokens last; an hour if not set. */
  tokenSeconds?: number
}

/** What the launcher's control interface tells, and what was ordered. */
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
  /** Resolved: a command that is held goes on, or is not held when it comes. */
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
