/** What a browser may do with our pages: nothing that does not come from here. */
import helmet from '@fastify/helmet'
import type { App } from './app.ts'

export type SecurityOptions = {
  /** Origins besides our own that the UI may talk to: an issuer elsewhere. */
  readonly connectOrigins: readonly string[]
}

export async function secure(app: App, { connectOrigins }: SecurityOptions): Promise<void> {
  await app.register(helmet, {
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
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // Component libraries put colours and positions into style elements and attributes.
        styleSrc: ["'self'", "'unsafe-inline'"],
      },
    },
    crossOriginEmbedderPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    // A development certificate must not teach a browser that localhost is always HTTPS.
    hsts: false,
    xFrameOptions: { action: 'deny' },
  })
}
