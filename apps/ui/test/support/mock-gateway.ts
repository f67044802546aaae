/**
 * A replacement for gateway and issuer, for tests of the pages alone: the same paths, events and problems, with a ledger of a few people in
 * memory. It is never part of the product; the end-to-end test uses the real system.
 */
import { createSecureServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { scopes } from '@streampay/domain'
import { answerCommand } from './mock-commands.ts'
import { answerConsole } from './mock-console.ts'
import { answerControl, createMockControl } from './mock-control.ts'
import { cut, json, type MockContext, type MockRequest, type MockResponse, problem } from './mock-http.ts'
import { answerIdentity } from './mock-identity.ts'
import { createMockLedger } from './mock-ledger.ts'
import { serveFile } from './mock-static.ts'
import { answerLive, answerView } from './mock-views.ts'
import { selfSigned } from './self-signed.ts'

export type MockGateway = MockContext & { readonly origin: string; readonly close: () => Promise<void> }

const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"

/** Serves the built pages in `dist` and a ledger of its own, on a free port of the loopback interface. */
export async function startMockGateway({
  dist,
  empty = false,
}: {
  dist: string
  empty?: boolean
}): Promise<MockGateway> {
  const context: MockContext = {
    control: createMockControl(),
    ledger: createMockLedger({ empty }),
    faults: {},
    streams: new Set(),
    shown: new Map(),
    keys: [],
    refreshed: [],
    held: Promise.withResolvers(),
  }
  // As long as the gateway's timeout. Without it Node closes an HTTP/1.1 connection that was idle for 5 s, perhaps at the moment when a
  // page sends a request on it. A browser tries four times, and then the page has no style sheet.
  const http1Options = { keepAliveTimeout: 75_000 }
  const server = createSecureServer({ ...selfSigned(), allowHTTP1: true, http1Options }, (request, response) => {
    handle(request, response, context, dist).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' })
      response.end(String(error))
    })
  })
  const sessions = new Set<{ destroy: () => void }>()
  const track = (session: Duplex | ServerHttp2Session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  }
  server.on('session', track)
  server.on('secureConnection', track)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      context.held.resolve()
      for (const stream of context.streams) cut(stream)
      server.close(() => resolve())
      for (const session of sessions) session.destroy()
    })
  return Object.assign(context, { origin: `https://localhost:${port}`, close })
}

async function handle(request: MockRequest, response: MockResponse, context: MockContext, dist: string) {
  const url = new URL(request.url, `https://${request.headers[':authority'] ?? request.headers.host}`)
  response.setHeader('content-security-policy', contentSecurityPolicy)
  if (url.pathname === '/config.json') {
    return json(response, 200, {
      issuer: `${url.origin}/identity`,
      clientId: 'streampay-ui',
      audience: 'streampay',
      scopes,
    })
  }
  if (url.pathname.startsWith('/identity')) return answerIdentity(request, response, url, context)
  const isPage = (request.headers.accept ?? '').includes('text/html')
  if (!isPage && request.headers.authorization !== undefined) {
    if (context.faults.sessionOver) return problem(response, 401, 'unauthorized')
    if (context.faults.broken) return problem(response, 500, 'internal-error')
    if (url.pathname.startsWith('/control/')) return answerControl(request, response, url, context)
    if (url.pathname.startsWith('/console/')) return answerConsole(request, response, url, context)
    if (request.method === 'POST') return answerCommand(request, response, url, context)
    if (url.pathname === '/live') return answerLive(request, response, url, context)
    return answerView(request, response, url, context)
  }
  return serveFile(response, url.pathname, dist)
}
