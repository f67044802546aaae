import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { Logger } from 'pino'
import { pathOf } from './issuer.ts'
import { errorPage, stylePath } from './pages.ts'
import { handleSignIn } from './sign-in.ts'
import type { IdentityStore } from './store.ts'

export type ServerOptions = {
  readonly issuer: string
  /** Further origins at which gateways serve it. */
  readonly origins: readonly string[]
  readonly provider: Provider
  readonly store: IdentityStore
  readonly logger: Logger
}

const style = readFileSync(new URL('./style.css', import.meta.url))

/** Allows no resources from other origins, no scripts but those whose hash is added, and no framing. */
const contentSecurityPolicy =
  "default-src 'none'; style-src 'self'; img-src data:; script-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/**
 * The HTTP server behind the gateway: plain HTTP on loopback. It answers both below the issuer's path and at its root,
 * so that a gateway may strip the path or not, and that JWKS and tokens can be read directly from loopback.
 */
export function createIdentityServer({ issuer, origins, provider, store, logger }: ServerOptions): Server {
  const path = pathOf(issuer)
  const known = new Map([issuer, ...origins].map((url) => [new URL(url).host, new URL(url)]))
  const answer = provider.callback()

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // Browsers use the issuer's address and those of the gateways: another address that a client names is never used.
    const claimed = req.headers['x-forwarded-host']
    const { protocol, host } = known.get(String(claimed)) ?? new URL(issuer)
    req.headers['x-forwarded-proto'] = protocol.slice(0, -1)
    req.headers['x-forwarded-host'] = host
    req.url = withoutPrefix(req.url ?? '/', path)
    // By this the provider learns its mount path (its own convention, that of Express).
    Object.assign(req, { originalUrl: `${path}${req.url}` })
    setSecurityHeaders(res)
    const { pathname } = new URL(req.url, issuer)
    if (pathname === stylePath) sendStyle(res)
    else if (pathname === '/health/live') res.end('ok\n')
    else if (isSignIn(req, pathname)) await handleSignIn(req, res, { provider, store, path })
    else await answer(req, res)
  }

  return createServer((req, res) => {
    handle(req, res).catch((error: unknown) => {
      logger.error({ err: error, path: req.url }, 'request failed')
      if (res.headersSent) {
        res.destroy()
        return
      }
      res.statusCode = 500
      res.setHeader('content-type', 'text/html; charset=utf-8')
      res.end(errorPage({ path, code: 'server_error', detail: 'Something went wrong here; the reason is in the log' }))
    })
  })
}

function isSignIn(req: IncomingMessage, pathname: string): boolean {
  return (req.method === 'GET' || req.method === 'POST') && /^\/interaction\/[\w-]+$/.test(pathname)
}

function withoutPrefix(url: string, path: string): string {
  if (path === '' || !(url === path || url.startsWith(`${path}/`) || url.startsWith(`${path}?`))) return url
  const rest = url.slice(path.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

function setSecurityHeaders(res: ServerResponse): void {
  res.setHeader('content-security-policy', contentSecurityPolicy)
  res.setHeader('x-content-type-options', 'nosniff')
  res.setHeader('x-frame-options', 'DENY')
  res.setHeader('referrer-policy', 'no-referrer')
}

function sendStyle(res: ServerResponse): void {
  res.setHeader('content-type', 'text/css; charset=utf-8')
  res.setHeader('cache-control', 'public, max-age=300')
  res.end(style)
}
