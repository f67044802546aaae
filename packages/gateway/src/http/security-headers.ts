/** What a browser may do with our pages: nothing that does not come from here. The headers are the same for each response. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import helmet from 'helmet'
import type { App } from './app.ts'

export type SecurityOptions = {
  /** Origins besides our own that the UI may talk to: an issuer elsewhere. */
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
        // The issuer answers a form by a redirect, which this directive follows.
        formAction: ["'self'", ...connectOrigins],
        frameAncestors: ["'none'"],
        frameSrc: ["'self'", ...connectOrigins],
        imgSrc: ["'self'", 'data:'],
        manifestSrc: ["'self'"],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // Component libraries put colours and positions into style elements and attributes.
        styleSrc: ["'self'", "'unsafe-inline'"],
        workerSrc: ["'self'"],
      },
    },
    crossOriginEmbedderPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    // A development certificate must not teach a browser that localhost is always HTTPS.
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
