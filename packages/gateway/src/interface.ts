/** The HTTP interface: which handler serves each path, and the parts that it needs. */
import compress from '@fastify/compress'
import type { GatewayOptions, Parts } from './assemble.ts'
import { registerCommand } from './commands/command-route.ts'
import { registerOperatorRoutes } from './commands/operator-routes.ts'
import { openReplyFinder } from './commands/reply-finder.ts'
import { registerReplies } from './commands/reply-route.ts'
import { registerUpsert } from './commands/upsert-route.ts'
import { registerConsole } from './console/console-routes.ts'
import { methodOf } from './definition/define-gateway.ts'
import { consolePaths, type Gateway, type Route, routerPath } from './definition/definition.ts'
import type { ApiDocument } from './documents/api-document.ts'
import { registerApiPage } from './documents/api-page.ts'
import { asyncApiOf } from './documents/asyncapi.ts'
import { openApiOf } from './documents/openapi.ts'
import type { App, Reply } from './http/app.ts'
import { allowOrigins, preflightUrl } from './http/cors.ts'
import { type ErrorHandling, handleErrors, notFound, sendProblem } from './http/error-handler.ts'
import { proxyPath } from './http/path-proxy.ts'
import { noteRoutes } from './http/routes-known.ts'
import { secure } from './http/security-headers.ts'
import { serveUi } from './http/static-ui.ts'
import { refuseUnknownMethods } from './http/unknown-methods.ts'
import { registerHealth } from './operation/health.ts'
import { registerLive } from './queries/live-route.ts'
import { registerView } from './queries/view-route.ts'
import { registerChallenge, type StreamContext } from './sse/stream-route.ts'

export async function registerInterface(
  app: App,
  gateway: Gateway,
  options: GatewayOptions,
  parts: Parts,
): Promise<void> {
  const { identityProxy, controlProxy, issuer, corsOrigins = [] } = options
  const known = noteRoutes(app)
  const handling: ErrorHandling = {
    namespace: gateway.name,
    bodyBytes: gateway.limits.bodyBytes,
    methodsOf: known.methodsOf,
    refusalDelay: parts.refusalDelay,
    explain: explanationsOf(gateway.routes),
  }
  handleErrors(app, handling)
  refuseUnknownMethods(app, { namespace: gateway.name, refusalOf: (request) => notFound(request, handling) })
  if (corsOrigins.length > 0) await allowOrigins(app, { origins: corsOrigins, headers: gateway.headers })
  const { anonymousRate } = parts.guard
  app.addHook('onRequest', async function (this, request, reply) {
    if (request.routeOptions.config.guarded !== true) await anonymousRate.call(this, request, reply)
  })
  secure(app, { connectOrigins: identityProxy === undefined ? [new URL(issuer.issuer).origin] : [] })
  await app.register(compress, { encodings: ['gzip'], threshold: 1024 })
  const ui = options.ui === undefined ? undefined : await serveUi(app, options.ui)
  const apiPaths = pagePaths(gateway.routes)
  app.addHook('onRequest', async (request, reply) => {
    // A deep link of the user interface may be the path of a view; a browser that navigates gets the page.
    const { url } = request.routeOptions
    if ((apiPaths.has(url ?? '') || request.is404) && ui?.page(request, reply)) return reply
    // Answered before the body is read, because no handler takes it.
    const isNowhere = request.is404 || url === preflightUrl
    return isNowhere ? sendProblem(reply as unknown as Reply, notFound(request, handling), gateway.name) : undefined
  })
  app.setNotFoundHandler((request, reply) => {
    if (ui?.page(request, reply)) return reply
    return sendProblem(reply as unknown as Reply, notFound(request, handling), gateway.name)
  })
  registerRoutes(app, gateway, { ...parts, onAnswered: options.onAnswered })
  registerChallenge(app, { openStreams: parts.openStreams, guard: parts.guard })
  registerHealth(app, {
    feeds: parts.allFeeds,
    monitor: parts.monitor,
    admission: parts.admission,
    isDraining: () => parts.state.draining,
  })
  registerDocuments(app, gateway, options)
  for (const proxy of [identityProxy, controlProxy]) if (proxy !== undefined) await proxyPath(app, proxy)
}

function registerRoutes(app: App, gateway: Gateway, parts: Parts & Pick<GatewayOptions, 'onAnswered'>): void {
  const {
    metrics,
    views,
    replies,
    clock,
    admin,
    cluster,
    guard,
    openStreams,
    producer,
    admission,
    monitor,
    tracing,
    onAnswered,
  } = parts
  const replyPath = gateway.routes.find((route) => route.kind === 'reply')?.path
  const findOnLog = openReplyFinder({
    cluster,
    admin,
    topic: gateway.replyTopic,
    partitionCount: () => parts.replyFeed.positions.length,
    headers: gateway.headers,
  })
  const { onStreamOpen, onStreamEnd, onEvents } = metrics
  const streams: StreamContext = { gateway, openStreams, admin, clock, onStreamOpen, onStreamEnd, onEvents }
  const writing = { gateway, producer, admission, log: monitor, clock, guard, tracing }
  for (const route of gateway.routes) {
    switch (route.kind) {
      case 'command':
        registerCommand(app, route, { ...writing, replies, replyPath, onAnswered })
        break
      case 'upsert':
        registerUpsert(app, route, { ...writing, view: views.at(route.view) })
        break
      case 'reply':
        registerReplies(app, route, { gateway, replies, clock, guard, findOnLog })
        break
      case 'view':
        registerView(app, route, views.at(route.path), { ...streams, guard, viewAt: (path) => views.at(path) })
        break
      case 'live':
        registerLive(app, route, views, { ...streams, guard })
        break
      case 'console':
        registerConsole(app, route, { ...streams, guard, cluster })
        registerOperatorRoutes(app, route, { gateway, cluster, producer, log: monitor, clock, guard })
        break
    }
  }
}

function registerDocuments(app: App, gateway: Gateway, { uiConfig, tokenForm }: GatewayOptions): void {
  const openApi = openApiOf(gateway)
  const texts = [
    ['/openapi.json', JSON.stringify(openApi)],
    ['/asyncapi.json', JSON.stringify(asyncApiOf(gateway))],
  ] as const
  for (const [path, text] of texts) app.get(path, async (_request, reply) => reply.type('application/json').send(text))
  registerApiPage(app, openApi as ApiDocument, { tokenForm })
  if (uiConfig !== undefined) {
    app.get('/config.json', async (_request, reply) => reply.header('cache-control', 'no-cache').send(uiConfig))
  }
}

/** All paths to which a browser may navigate and that are no pages, in the router's form. */
function pagePaths(routes: readonly Route[]): ReadonlySet<string> {
  const gets = routes.filter((route) => methodOf(route) === 'GET')
  const ofConsole = (path: string) => Object.values(consolePaths).map((below) => routerPath(`${path}${below}`))
  return new Set(gets.flatMap(({ kind, path }) => (kind === 'console' ? ofConsole(path) : [routerPath(path)])))
}

function explanationsOf(routes: readonly Route[]): ErrorHandling['explain'] {
  const byUrl = new Map(
    routes.flatMap((route) =>
      route.kind === 'command' || route.kind === 'upsert' ? [[routerPath(route.path), route] as const] : [],
    ),
  )
  return (request) => {
    const errors = byUrl.get(request.routeOptions.url ?? '')?.explain?.(request.body)
    return errors === undefined || errors.length === 0 ? undefined : errors
  }
}
