/** Creates the parts of a gateway and connects them. No part starts here: gateway.ts starts them in order. */
import {
  type Admin,
  type Cluster,
  openAdmin,
  openBackgroundSender,
  openProducer,
  type Producer,
  partitionForKey,
} from '@streampay/kafka'
import type { LocalStore } from '@streampay/local-store'
import type { FastifyBaseLogger } from 'fastify'
import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { openAdmission } from './commands/admission.ts'
import { openEarlierReplies } from './commands/earlier-replies.ts'
import { Replies } from './commands/replies.ts'
import { openTracing } from './commands/tracing.ts'
import type { Gateway } from './definition/definition.ts'
import type { TokenForm } from './documents/api-page.ts'
import { openGuard } from './guard/guard.ts'
import { type KeySource, openKeySource } from './guard/key-source.ts'
import { openRefusalLog } from './guard/refusal-log.ts'
import { defaultClaims, type ScopeRules, type TokenClaims } from './guard/token-claims.ts'
import type { App } from './http/app.ts'
import { openRefusalDelay } from './http/refusal-delay.ts'
import { openRouteGuard, type RouteGuard } from './http/route-guard.ts'
import type { UiOptions } from './http/static-ui.ts'
import { LogMonitor } from './operation/log-monitor.ts'
import { type Metrics, openMetrics } from './operation/metrics.ts'
import type { MetricsAddress } from './operation/metrics-server.ts'
import { type Clock, systemClock } from './shared/clock.ts'
import { StreamRegistry } from './sse/stream-registry.ts'
import { TopicFeed } from './views/topic-feed.ts'
import { Views } from './views/views.ts'

/** The issuer whose tokens are accepted. */
export type IssuerOptions = {
  /** Its URL: the claim `iss` of its tokens. */
  readonly issuer: string
  /** The text that the claim `aud` of a token must contain. */
  readonly audience: string
  /** The address of its keys. Default: the one in its discovery document. */
  readonly jwksUri?: string | undefined
  /** The issuer's public keys, if they are known and never change: the issuer is then not asked for them, and need not be reachable. */
  readonly jwks?: JSONWebKeySet | undefined
  /** The claims with the identity and its permissions; default: those of RFC 9068, Auth0, Okta and Entra ID. */
  readonly claims?: TokenClaims
  /** Permissions that depend on a claim only; default: none. */
  readonly rules?: ScopeRules
}

/** The settings of the place where a gateway runs: its log, address, certificate and issuer. */
export type GatewayOptions = {
  /** The caller closes it. */
  readonly cluster: Cluster
  /** Key and certificate as PEM. */
  readonly tls: { readonly key: string; readonly cert: string }
  /** The address on which it listens. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** The issuer whose tokens are accepted, and the audience that they must have. */
  readonly issuer: IssuerOptions
  /** The number of lines of one kind is limited by `logLinesPerSecond`. */
  readonly logger: FastifyBaseLogger
  /** Served as `/config.json`: the settings that the user interface needs. */
  readonly uiConfig?: Readonly<Record<string, unknown>>
  /** The files of a user interface; by default the gateway serves none. */
  readonly ui?: UiOptions | undefined
  /**
   * Given with a development issuer: the page of the interface (`/docs`) then gets a token for a name. Without it, users paste
   * a token there.
   */
  readonly tokenForm?: TokenForm | undefined
  /** An issuer that is served below one path of the gateway, so that both have the same origin and certificate. */
  readonly identityProxy?: { readonly path: string; readonly upstream: string } | undefined
  /** A server of a launcher below one path; it checks the tokens itself. */
  readonly controlProxy?: { readonly path: string; readonly upstream: string } | undefined
  /**
   * Origins of other front ends, such as `https://shop.example.com`, as browsers write them. Their pages may send requests and read
   * the responses, except for the files of the user interface and the paths of proxies. Default: none.
   */
  readonly corsOrigins?: readonly string[]
  /** Addresses, and networks such as `10.0.0.0/8`, whose X-Forwarded-For is trusted. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** The address of `/metrics`; by default it is not served. Port 0: any free port. */
  readonly metrics?: MetricsAddress | undefined
  /** Default: the machine's clock. */
  readonly clock?: Clock
  /**
   * The folder of the views, used by this gateway alone, and its largest size. It may be deleted at any time. Without it, the views
   * are kept in the heap.
   */
  readonly state?: { readonly folder: string; readonly maxBytes: number } | undefined
  /** Called if that folder returns data that was not written: the gateway should end, because its next start rebuilds the views. */
  readonly onStateDamaged?: ((reason: string) => void) | undefined
  /** Called with the time that a command waited for its answer, in ms. */
  readonly onAnswered?: ((tookMs: number) => void) | undefined
  /** The interval at which the ends of the log are requested. Default 2,000. */
  readonly monitorEveryMs?: number
  /** The name of this gateway in spans. Default: the name of the definition. */
  readonly instance?: string | undefined
}

const keySource = { timeoutMs: 3_000, cooldownMs: 10_000, maxAgeMs: 600_000, staleMs: 24 * 3_600_000 }
/** Shorter than the wait for a reply, so that the answer is 503 if the log is away, and not 504 (unknown outcome). */
const deliveryShare = 0.8
/** Spans of this time are sent to the log together, and at most this many wait for it. */
const spans = { everyMs: 250, mostRecords: 2_000 }

export type Parts = Awaited<ReturnType<typeof assemble>>

/** The caller closes the store. */
type AssemblyOptions = GatewayOptions & { readonly store: LocalStore }

export async function assemble(
  app: App,
  gateway: Gateway,
  {
    cluster,
    logger,
    issuer,
    clock = systemClock,
    monitorEveryMs = 2_000,
    store,
    instance = gateway.name,
  }: AssemblyOptions,
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
  const openStreams = new StreamRegistry(limits)
  const refusalDelay = openRefusalDelay({
    elapsed: clock.elapsed,
    mostHeld: limits.commandsInFlight,
    mostMs: limits.refusalHoldMs,
  })
  const keys = openKeys(issuer, { clock, logger })
  const metrics = openMetrics(app, {
    feeds: () => allFeeds(),
    admission,
    stateBytes: () => store.bytes(),
    refusalsHeld: refusalDelay.held,
    keysAgeMs: keys.ageMs,
  })
  const producer = openProducer(cluster, { deliveryTimeoutMs: Math.floor(limits.replyTimeoutMs * deliveryShare) })
  const tracing = openSpans(gateway, { producer, instance, clock, onDropped: (count) => metrics.onDroppedSpans(count) })
  const onRestart = (feed: TopicFeed) => openStreams.restart(feed)
  const views = new Views({
    gateway,
    cluster,
    admin,
    clock,
    logger,
    store,
    onShown: tracing.shown,
    onRefused: metrics.onRefusedRecord,
    onRestart,
  })
  const { replies, replyFeed, earlierReplies } = openReplies(gateway, { cluster, admin, clock, logger, metrics })
  const allFeeds = () => [...views.feeds, replyFeed]
  const { commandGroup } = gateway
  const monitor = new LogMonitor({ admin, feeds: allFeeds(), clock, logger, everyMs: monitorEveryMs, commandGroup })
  const guard = await guardOf(app, gateway, { issuer, keys, clock, logger, metrics })
  return {
    admin,
    clock,
    state,
    admission,
    refusalDelay,
    openStreams,
    metrics,
    views,
    replies,
    replyFeed,
    earlierReplies,
    allFeeds,
    monitor,
    producer,
    tracing,
    guard,
    cluster,
  }
}

type ReplyParts = Pick<AssemblyOptions, 'cluster' | 'logger'> & {
  readonly admin: Admin
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'onRefusedRecord'>
}

function openReplies(gateway: Gateway, { cluster, admin, clock, logger, metrics }: ReplyParts) {
  const replies = new Replies({ headers: gateway.headers, maxBytes: gateway.limits.replyCacheBytes, clock, logger })
  const replyFeed = new TopicFeed({
    cluster,
    admin,
    topic: gateway.topic(gateway.replyTopic),
    follower: {
      onRecord: (record) => replies.onRecord(record),
      onBatchEnd: () => undefined,
      onRestart: () => replies.clear(),
      onPassedOver: () => metrics.onRefusedRecord(gateway.replyTopic),
    },
    // A reply that can't be read means a command with an unknown outcome; if the feed stopped, all later replies would be missing.
    onUndecodable: 'skip',
    logger,
    from: { timestamp: clock.now() },
  })
  const earlierReplies = openEarlierReplies({ cluster, admin, topic: gateway.replyTopic, replies, clock, logger })
  return { replies, replyFeed, earlierReplies }
}

type KeyParts = { readonly clock: Clock; readonly logger: FastifyBaseLogger }

function openKeys({ issuer, jwksUri, jwks }: IssuerOptions, parts: KeyParts): KeySource {
  if (jwks !== undefined) return { key: createLocalJWKSet(jwks), ageMs: () => 0 }
  return openKeySource({ issuer, ...(jwksUri === undefined ? {} : { jwksUri }), ...keySource, ...parts })
}

/** The partition of a key; 0 as long as the topic is not known. */
function partitionsOf(cluster: Cluster, topic: string): (key: string) => number {
  return (key) => (cluster.leaderOf(topic, 0) === undefined ? 0 : partitionForKey(key, cluster.partitionCount(topic)))
}

type SpanParts = {
  readonly producer: Producer
  readonly instance: string
  readonly clock: Clock
  readonly onDropped: (count: number) => void
}

function openSpans(gateway: Gateway, { producer, instance, clock, onDropped }: SpanParts) {
  const sender = openBackgroundSender({ producer, ...spans, onDropped })
  return { ...openTracing({ gateway, service: instance, sender, clock }), close: sender.close }
}

type GuardParts = {
  readonly issuer: IssuerOptions
  readonly keys: KeySource
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
  readonly metrics: Pick<Metrics, 'onRefusedAccess'>
}

function guardOf(
  app: App,
  gateway: Gateway,
  { issuer, keys, clock, logger, metrics }: GuardParts,
): Promise<RouteGuard> {
  return openRouteGuard(app, {
    guard: openGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      isReserved: gateway.isReserved,
      claims: issuer.claims ?? defaultClaims,
      rules: issuer.rules ?? new Map(),
      keys: keys.key,
      clock,
      realm: gateway.name,
    }),
    refusals: openRefusalLog({ logger, clock, onRefused: metrics.onRefusedAccess }),
    realm: gateway.name,
    limits: gateway.limits,
  })
}
