/**
 * Which pages of other origins may ask, and read what is answered (https://fetch.spec.whatwg.org/#http-cors-protocol). A page sends its
 * token in a header and never a cookie, so no credentials are allowed: a browser adds nothing of its own to what the page sends.
 */
import cors from '@fastify/cors'
import type { HeaderNames } from '../definition/definition.ts'
import type { App } from './app.ts'

export type CorsOptions = {
  /** As browsers write them: `https://shop.example.com`. */
  readonly origins: readonly string[]
  readonly headers: Pick<HeaderNames, 'idempotencyKey' | 'replayed' | 'traceparent'>
}

/** For a route whose answers are for the gateway's own pages alone. */
export const ownOriginOnly = { cors: false }

/** The plugin's route of OPTIONS, for all addresses: what gets there is no preflight that is allowed. */
export const preflightUrl = '*'

const methods = ['GET', 'HEAD', 'POST', 'PUT']
/** How long a browser need not ask again, in s: Chromium keeps an answer for no longer. */
const preflightMaxAgeS = 7_200

/** Before every other hook, so that a refusal by one of them can be read, too. */
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
    // An OPTIONS that is none would be refused in a form of the plugin's own.
    strictPreflight: false,
  })
}

/** Of an answer that turns out to be a file of the user interface: other origins may not read it. */
export function keepToOwnOrigin(reply: { readonly removeHeader: (name: string) => unknown }): void {
  reply.removeHeader('access-control-allow-origin')
  reply.removeHeader('access-control-expose-headers')
}
