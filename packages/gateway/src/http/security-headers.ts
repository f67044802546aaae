/** Limits for browsers on the gateway's pages: they load only the gateway's own files. The headers are the same in each response. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import helmet from 'helmet'
import type { App } from './app.ts'

export type SecurityOptions = {
  /** Other origins to which the UI may connect: an external issuer. */
  readonly connectOrigins: readonly string[]
}

export function secure(app: App, options: SecurityOptions): void {
  const headers = headersOf(options)
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
}

function headersOf({ connectOrigins }: SecurityOptions): Readonly<Record<string, string>> {
  const setHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        connectSrc: ["'self'", ...connectOrigins],
        // The issuer answers a form with a redirect, and this directive also checks its target.
        formAction: ["'self'", ...connectOrigins],
        frameAncestors: ["'none'"],
        frameSrc: ["'self'", ...connectOrigins],
        imgSrc: ["'self'", 'data:'],
        manifestSrc: ["'self'"],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // Component libraries write colours and positions into style elements and attributes.
        styleSrc: ["'self'", "'unsafe-inline'"],
        workerSrc: ["'self'"],
      },
    },
    crossOriginEmbedderPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    // With a development certificate, a browser must not learn that localhost always uses HTTPS.
    hsts: false,
    xFrameOptions: { action: 'deny' },
  })
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  setHeaders(request, response, (error) => {
    if (error !== undefined) throw error
  })
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]))
}
