/**
 * A stand-in for gateway and issuer, for tests of the pages alone: the same paths, events and problems, with a ledger of
 * a few people in memory. Never part of the product; the real system is walked through in the end-to-end test.
 */
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { answerCommand } from './mock-commands.ts'
import { answerConsole } from './mock-console.ts'
import { cut, json, type MockContext, type MockRequest, type MockResponse, problem } from './mock-http.ts'
import { answerIdentity } from './mock-identity.ts'
import { createMockLedger } from './mock-ledger.ts'
import { serveFile } from './mock-static.ts'
import { answerView } from './mock-views.ts'
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
    ledger: createMockLedger({ empty }),
    faults: {},
    streams: new Set(),
    keys: [],
    release: () => {},
  }
  const server = createSecureServer(selfSigned(), (request, response) => {
    handle(request, response, context, dist).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' })
      response.end(String(error))
    })
  })
  const sessions = new Set<{ destroy: () => void }>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      context.release()
      for (const stream of context.streams) cut(stream)
      server.close(() => resolve())
      for (const session of sessions) session.destroy()
    })
  return Object.assign(context, { origin: `https://localhost:${port}`, close })
}

async function handle(request: MockRequest, response: MockResponse, context: MockContext, dist: string) {
  const url = new URL(request.url, `https://${request.headers[':authority']}`)
  response.setHeader('content-security-policy', contentSecurityPolicy)
  if (url.pathname === '/config.json') {
    return json(response, 200, {
      issuer: `${url.origin}/identity`,
      clientId: 'streampay-ui',
      audience: 'streampay',
      scopes: ['write:pay', 'read:console'],
    })
  }
  if (url.pathname.startsWith('/identity')) return answerIdentity(request, response, url)
  const isPage = (request.headers.accept ?? '').includes('text/html')
  if (!isPage && request.headers.authorization !== undefined) {
    if (context.faults.broken) return problem(response, 500, 'internal-error')
    if (request.method === 'POST') return answerCommand(request, response, url, context)
    if (url.pathname.startsWith('/console/')) return answerConsole(request, response, url, context)
    return answerView(request, response, url, context)
  }
  return serveFile(response, url.pathname, dist)
}
