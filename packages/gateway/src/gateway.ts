/** A gateway at work: everything of a definition, put together on one HTTPS server. */
import compress from '@fastify/compress'
import { type Cluster, openAdmin, openProducer, partitionForKey } from '@streampay/kafka'
import type { FastifyBaseLogger } from 'fastify'
import { type Clock, systemClock } from './clock.ts'
import { openAdmission } from './commands/admission.ts'
import { registerCommand } from './commands/command-route.ts'
import { Replies, replyWindowMs } from './commands/replies.ts'
import { openReplyFinder } from './commands/reply-finder.ts'
import { registerReplies } from './commands/reply-route.ts'
import { registerUpsert } from './commands/upsert-route.ts'
import { registerConsole } from './console/console-routes.ts'
import { methodOf } from './definition/define-gateway.ts'
import { type Gateway, type Route, routerPath } from './definition/definition.ts'
import { asyncApiOf } from './documents/asyncapi.ts'
import { openApiOf } from './documents/openapi.ts'
import { openGuard } from './guard/guard.ts'
import { openKeySource } from './guard/key-source.ts'
import { type App, createApp, type Reply } from './http/app.ts'
import { trackConnections } from './http/connections.ts'
import { type ErrorHandling, handleErrors, notFound, sendProblem } from './http/error-handler.ts'
import { registerHealth } from './http/health.ts'
import { proxyIdentity } from './http/identity-proxy.ts'
import { openMetrics } from './http/metrics.ts'
import { openPace } from './http/pace.ts'
import { ProblemError } from './http/problem.ts'
import { openRouteGuard, type RouteGuard } from './http/route-guard.ts'
import { secure } from './http/security-headers.ts'
import { serveUi } from './http/static-ui.ts'
import { LogMonitor } from './log-monitor.ts'
import { StreamHub } from './sse/stream-hub.ts'
import { registerChallenge } from './sse/stream-route.ts'
import { TopicFeed } from './views/topic-feed.ts'
import { registerView } from './views/view-route.ts'
import { Views } from './views/views.ts'

export type GatewayOptions = {
  /** It stays the caller's to close. */
  readonly cluster: Cluster
  /** PEM. */
  readonly tls: { readonly key: string; readonly cert: string }
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly issuer: { readonly issuer: string; readonly audience: string; readonly jwksUri?: string | undefined }
  readonly logger: FastifyBaseLogger
  /** Served as `/config.json`: what the user interface needs to know of its surroundings. */
  readonly uiConfig?: Readonly<Record<string, unknown>>
  /** Absolute path of the built user interface. */
  readonly uiRoot?: string | undefined
  readonly identityProxy?: { readonly path: string; readonly upstream: string } | undefined
  readonly clock?: Clock
  /** How often the log is asked where it ends. Default 2,000. */
  readonly monitorEveryMs?: number
}

export type RunningGateway = {
  readonly port: number
  /** Resolves when every view holds what was on the log at the start. */
  readonly ready: Promise<void>
  /** Ends streams, answers what is under way, and frees everything, within `drainMs` and a second. */
  readonly close: () => Promise<void>
}

const keySource = { timeoutMs: 3_000, cooldownMs: 10_000, maxAgeMs: 600_000 }
/** Shorter than the wait for a reply, so that a log that is away is told as such (503) and not as unknown (504). */
const deliveryShare = 0.8
const readyPollMs = 20

/** @throws MissingTopicError, or the error of the address (EADDRINUSE) */
export async function startGateway(gateway: Gateway, options: GatewayOptions): Promise<RunningGateway> {
  const { limits } = gateway
  const app = createApp({
    tls: options.tls,
    bodyBytes: limits.bodyBytes,
    connections: limits.connections,
    requestsOfConnection: limits.requestsOfConnection,
    logger: options.logger,
    onUnroutable: (_error, _request, reply) => {
      sendProblem(reply, new ProblemError('malformed-request', 'The address cannot be decoded.'), gateway.name)
    },
  })
  const connections = trackConnections(app)
  const parts = await openParts(app, gateway, options)
  try {
    await registerEverything(app, gateway, options, parts)
    await Promise.all([parts.views.start(), parts.replyFeed.start()])
    // From here on it is known which partition a command goes to.
    await options.cluster.topic(gateway.commandTopic)
    parts.monitor.start()
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    await closeParts(parts)
    await app.close()
    throw error
  }
  const address = app.server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    ready: whenReady(parts),
    close: async () => {
      parts.state.draining = true
      parts.hub.drain()
      await parts.admission.idle(limits.drainMs)
      connections.close(limits.drainMs)
      await app.close()
      await closeParts(parts)
    },
  }
}

type Parts = Awaited<ReturnType<typeof openParts>>

async function openParts(
  app: App,
  gateway: Gateway,
  { cluster, logger, issuer, clock = systemClock, monitorEveryMs = 2_000 }: GatewayOptions,
) {
  const { limits } = gateway
  const admin = openAdmin(cluster)
  const state = { draining: false }
  const admission = openAdmission({
    ofOne: limits.commandsInFlightOfOne,
    ofAll: limits.commandsInFlight,
    least: limits.commandsInFlightAtLeast,
    first: limits.commandsInFlightAtFirst,
    targetMs: limits.replyTargetMs,
    silenceMs: limits.replySilenceMs,
    clock,
    partitionOf: partitionsOf(cluster, gateway.commandTopic),
    onRefused: (reason) => metrics.onRefusedCommand(reason),
  })
  const hub = new StreamHub(limits)
  const pace = openPace({ elapsed: clock.elapsed, mostHeld: limits.commandsInFlight, mostMs: limits.refusalHoldMs })
  const metrics = openMetrics(app, { feeds: () => allFeeds(), admission, refusalsHeld: pace.held })
  const onRestart = (feed: TopicFeed) => hub.restart(feed)
  const views = new Views({ gateway, cluster, admin, clock, logger, onRefused: metrics.onRefusedRecord, onRestart })
  const replies = new Replies({ headers: gateway.headers, maxBytes: limits.replyCacheBytes, clock, logger })
  const replyFeed = new TopicFeed({
    cluster,
    admin,
    topic: gateway.topic(gateway.replyTopic),
    follower: {
      onRecord: (record) => replies.onRecord(record),
      onBatchEnd: () => undefined,
      onRestart: () => replies.clear(),
    },
    logger,
    from: { timestamp: clock.now() - replyWindowMs },
  })
  const allFeeds = () => [...views.feeds, replyFeed]
  const monitor = new LogMonitor({ admin, feeds: allFeeds(), clock, logger, everyMs: monitorEveryMs })
  const producer = openProducer(cluster, { deliveryTimeoutMs: Math.floor(limits.replyTimeoutMs * deliveryShare) })
  const keys = openKeySource({
    issuer: issuer.issuer,
    ...(issuer.jwksUri === undefined ? {} : { jwksUri: issuer.jwksUri }),
    ...keySource,
  })
  const guard = await openRouteGuard(app, {
    guard: openGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      reservedPrefix: gateway.reservedPrefix,
      keys,
      clock,
      realm: gateway.name,
    }),
    realm: gateway.name,
    perSecond: limits.commandsPerSecond,
  })
  return {
    admin,
    clock,
    state,
    admission,
    pace,
    hub,
    metrics,
    views,
    replies,
    replyFeed,
    allFeeds,
    monitor,
    producer,
    guard,
    cluster,
  }
}

/** Where the records of a key go; 0 as long as the topic is not known. */
function partitionsOf(cluster: Cluster, topic: string): (key: string) => number {
  return (key) => (cluster.leaderOf(topic, 0) === undefined ? 0 : partitionForKey(key, cluster.partitionCount(topic)))
}

async function closeParts({ monitor, views, replyFeed, producer, hub, replies, pace }: Parts): Promise<void> {
  hub.drain()
  replies.close()
  pace.close()
  await monitor.close()
  await Promise.all([views.close(), replyFeed.close(), producer.close()])
}

async function whenReady({ allFeeds, state }: Parts): Promise<void> {
  while (!state.draining && allFeeds().some((feed) => !feed.caughtUp)) {
    await new Promise((resolve) => setTimeout(resolve, readyPollMs))
  }
}

async function registerEverything(app: App, gateway: Gateway, options: GatewayOptions, parts: Parts): Promise<void> {
  const { uiRoot, uiConfig, identityProxy, issuer } = options
  const handling: ErrorHandling = {
    namespace: gateway.name,
    bodyBytes: gateway.limits.bodyBytes,
    methodsOf: methodsOf(gateway.routes),
    pace: parts.pace,
    explain: explanationsOf(gateway.routes),
  }
  handleErrors(app, handling)
  await secure(app, { connectOrigins: identityProxy === undefined ? [new URL(issuer.issuer).origin] : [] })
  await app.register(compress, { encodings: ['gzip'], threshold: 1024 })
  const ui = uiRoot === undefined ? undefined : await serveUi(app, uiRoot)
  const apiPaths = pagePaths(gateway.routes)
  app.addHook('onRequest', async (request, reply) => {
    // A deep link of the user interface may be the path of a view; a browser that navigates wants the page.
    const isApi = apiPaths.has(request.routeOptions.url ?? '')
    return isApi && ui?.page(request, reply) ? reply : undefined
  })
  app.setNotFoundHandler((request, reply) => {
    if (ui?.page(request, reply)) return reply
    return sendProblem(reply as unknown as Reply, notFound(request, handling), gateway.name)
  })
  registerRoutes(app, gateway, parts)
  registerChallenge(app, parts)
  registerHealth(app, { feeds: parts.allFeeds, monitor: parts.monitor, isDraining: () => parts.state.draining })
  registerDocuments(app, gateway, { uiConfig, metrics: parts.metrics })
  if (identityProxy !== undefined) await proxyIdentity(app, identityProxy)
}

function registerRoutes(app: App, gateway: Gateway, parts: Parts): void {
  const { metrics, views, replies, clock, admin, cluster, replyFeed } = parts
  const guard: RouteGuard = parts.guard
  const replyPath = gateway.routes.find((route) => route.kind === 'reply')?.path
  const context = { ...parts, ...metrics, guard, gateway, replyPath }
  const partitionCount = () => replyFeed.positions.length
  const findOnLog = openReplyFinder({
    cluster,
    admin,
    topic: gateway.replyTopic,
    partitionCount,
    headers: gateway.headers,
  })
  for (const route of gateway.routes) {
    switch (route.kind) {
      case 'command':
        registerCommand(app, route, context)
        break
      case 'upsert':
        registerUpsert(app, route, { ...context, view: views.at(route.view) })
        break
      case 'reply':
        registerReplies(app, route, { gateway, replies, clock, guard, findOnLog })
        break
      case 'view':
        registerView(app, route, views.at(route.path), context)
        break
      case 'console':
        registerConsole(app, route, context)
        break
    }
  }
}

type Documents = { readonly uiConfig: GatewayOptions['uiConfig']; readonly metrics: Parts['metrics'] }

function registerDocuments(app: App, gateway: Gateway, { uiConfig, metrics }: Documents): void {
  const openApi = JSON.stringify(openApiOf(gateway))
  const asyncApi = JSON.stringify(asyncApiOf(gateway))
  app.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(openApi))
  app.get('/asyncapi.json', async (_request, reply) => reply.type('application/json').send(asyncApi))
  if (uiConfig !== undefined) {
    app.get('/config.json', async (_request, reply) => reply.header('cache-control', 'no-cache').send(uiConfig))
  }
  app.get('/metrics', async (_request, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
}

/** Of everything that a browser may navigate to and that is not a page: as the router names it. */
function pagePaths(routes: readonly Route[]): ReadonlySet<string> {
  const gets = routes.filter((route) => methodOf(route) === 'GET')
  const ofConsole = (path: string) => [`${path}/topics`, `${path}/topics/:topic/records`]
  return new Set(gets.flatMap(({ kind, path }) => (kind === 'console' ? ofConsole(path) : [routerPath(path)])))
}

function methodsOf(routes: readonly Route[]): (path: string) => string[] {
  const patterns = routes
    .filter((route) => route.kind !== 'console')
    .map((route) => ({
      method: methodOf(route),
      pattern: new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    }))
  return (path) => patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
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
