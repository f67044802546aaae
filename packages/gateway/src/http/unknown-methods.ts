/**
 * HTTP/2 allows any word as a method. Fastify routes those that Node knows from HTTP/1.1; for any other it would write all of its
 * routes to the log. So these requests are answered before Fastify gets them.
 */
import { METHODS } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { type ProblemError, problemContentType } from '../shared/problem.ts'
import type { App } from './app.ts'

type Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void

export type UnknownMethods = {
  readonly namespace: string
  readonly refusalOf: (request: { readonly method: string; readonly url: string }) => ProblemError
}

export function refuseUnknownMethods(app: App, { namespace, refusalOf }: UnknownMethods): void {
  const known = new Set(METHODS)
  const listeners = app.server.listeners('request') as Listener[]
  app.server.removeAllListeners('request')
  app.server.on('request', (request, response) => {
    if (known.has(request.method)) {
      for (const listener of listeners) listener.call(app.server, request, response)
      return
    }
    const problem = refusalOf(request)
    const headers = {
      ...problem.headers,
      'content-type': `${problemContentType}; charset=utf-8`,
      'cache-control': 'no-store',
    }
    response.writeHead(problem.status, headers).end(JSON.stringify(problem.body(namespace)))
  })
}
