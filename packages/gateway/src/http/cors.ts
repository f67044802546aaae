/**
 * Which pages of other origins may send requests and read the responses (https://fetch.spec.whatwg.org/#http-cors-protocol). A page
 * sends its token in a header and never a cookie, so credentials are not allowed: a browser adds none to the page's requests.
 */
import cors from '@fastify/cors'
import type { HeaderNames } from '../definition/definition.ts'
import type { App } from './app.ts'

export type CorsOptions = {
  /** In the form of browsers: `https://shop.example.com`. */
  readonly origins: readonly string[]
  readonly headers: Pick<HeaderNames, 'idempotencyKey' | 'replayed' | 'traceparent'>
}

/** For a route whose responses only the gateway's own pages may read. */
export const ownOriginOnly = { cors: false }

/** The plugin's OPTIONS route for all paths: a request that reaches it is no allowed preflight. */
export const preflightUrl = '*'

const methods = ['GET', 'HEAD', 'POST', 'PUT']
/** How long a browser may cache the answer, in s: Chromium caches it no longer. */
const preflightMaxAgeS = 7_200

/** Runs before every other hook, so that pages can also read refusals by those. */
export async function allowOrigins(app: App, { origins, headers }: CorsOptions): Promise<void> {
  const allowed = new Set(origins)
  await app.register(cors, {
    origin: (origin, done) => done(null, origin !== undefined && allowed.has(origin) ? origin : false),
    methods,
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      headers.idempotencyKey,
      'If-Match',
      'If-None-Match',
      'Last-Event-ID',
      'Prefer',
      headers.traceparent,
    ],
    exposedHeaders: [
      'Allow',
      'Content-Disposition',
      'ETag',
      headers.idempotencyKey,
      headers.replayed,
      'Link',
      'Location',
      'Retry-After',
      'WWW-Authenticate',
    ],
    maxAge: preflightMaxAgeS,
    // The plugin would refuse an OPTIONS request that is no preflight in a form of its own.
    strictPreflight: false,
  })
}

/** For a response that is a file of the user interface: other origins may not read it. */
export function keepToOwnOrigin(reply: { readonly removeHeader: (name: string) => unknown }): void {
  reply.removeHeader('access-control-allow-origin')
  reply.removeHeader('access-control-expose-headers')
}
