/** Passes all requests below one path to another server of this machine, so that it has the same origin and certificate. */
import httpProxy from '@fastify/http-proxy'
import type { App } from './app.ts'
import { ownOriginOnly } from './cors.ts'

export type ProxyOptions = { readonly path: string; readonly upstream: string }

/** Headers for one hop (RFC 9110, section 7.6.1), which HTTP/2 does not allow. */
const hopByHop = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-connection']

export async function proxyPath(app: App, { path, upstream }: ProxyOptions): Promise<void> {
  await app.register(async (scope) => {
    // The proxy passes bodies on unchanged and adds its own parsers for that; the gateway's would conflict.
    scope.removeAllContentTypeParsers()
    await scope.register(httpProxy, {
      upstream,
      prefix: path,
      rewritePrefix: path,
      config: ownOriginOnly,
      // It would log every request; paths of an issuer may have private data.
      logLevel: 'warn',
      replyOptions: {
        rewriteRequestHeaders: (request, headers) => ({
          ...headers,
          'x-forwarded-proto': 'https',
          'x-forwarded-host': request.headers[':authority'] ?? request.headers.host,
          'x-forwarded-for': request.ip,
        }),
        rewriteHeaders: (headers) => {
          const kept = { ...headers }
          for (const name of hopByHop) delete kept[name]
          return kept
        },
      },
    })
  })
}
