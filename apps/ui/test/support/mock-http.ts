/** What the parts of the stand-in share: requests, answers, and what a test switches on. */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { MockLedger } from './mock-ledger.ts'

export type MockRequest = Http2ServerRequest
export type MockResponse = Http2ServerResponse

/** Faults that a test switches on. */
export type MockFaults = {
  /** How the next command ends: `lost` breaks the connection after it was taken. */
  command?: 'lost' | 'timeout' | 'unavailable' | 'hold'
  /** Whatever is asked for is answered with status 500. */
  broken?: boolean
  /** Streams are neither kept nor opened. */
  streamsDown?: boolean
}

export type MockContext = {
  readonly ledger: MockLedger
  readonly faults: MockFaults
  readonly streams: Set<MockResponse>
  /** Idempotency keys of the commands that came, in order. */
  readonly keys: string[]
  release: () => void
}

/** Ends a response as a broken connection would. */
export function cut(response: MockResponse): void {
  response.stream.close(2)
}

export function json(response: MockResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

export function problem(response: MockResponse, status: number, slug: string, members: Record<string, unknown> = {}) {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ type: `urn:streampay:problem:${slug}`, title: slug, status, detail: slug, ...members }))
}

export async function bodyOf(request: MockRequest): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}
