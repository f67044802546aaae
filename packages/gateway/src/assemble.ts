/** The parts of a gateway, and who knows whom. Nothing starts here: gateway.ts has the order of that. */
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
import { openPace } from './http/pace.ts'
import { openRouteGuard, type RouteGuard } from './http/route-guard.ts'
import type { UiOptions } from './http/static-ui.ts'
import { LogMonitor } from './operation/log-monitor.ts'
import { type Metrics, openMetrics } from './operation/metrics.ts'
import type { MetricsAddress } from './operation/metrics-server.ts'
import { type Clock, systemClock } from './shared/clock.ts'
import { StreamHub } from './sse/stream-hub.ts'
import { TopicFeed } from './views/topic-feed.ts'
import { Views } from './views/views.ts'

export type IssuerOptions = {
  readonly issuer: string
  readonly audience: string
  readonly jwksUri?: string | undefined
  /** Its public keys, where they are known and never change: then it is not asked for them, and need not be there. */
  readonly jwks?: JSONWebKeySet | undefined
  /** Which claims name the identity and its permissions; by default those of RFC 9068, Auth0, Okta and Entra ID. */
  readonly claims?: TokenClaims
  /** Permissions that follow from a claim alone; by default none. */
  readonly rules?: ScopeRules
}

/** What is known only where a gateway runs: its log, address, certificate and issuer. */
export type GatewayOptions = {
  /** It stays the caller's to close. */
  readonly cluster: Cluster
  /** PEM. */
  readonly tls: { readonly key: string; readonly cert: string }
  /** The address on which it listens. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Whose tokens are believed, and for which audience they have to be. */
  readonly issuer: IssuerOptions
  /** Lines of one kind are bounded by `logLinesPerSecond`. */
  readonly logger: FastifyBaseLogger
  /** Served as `/config.json`: what the user interface needs to know of its surroundings. */
  readonly uiConfig?: Readonly<Record<string, unknown>>
  /** The files of a user interface; by default none are served. */
  readonly ui?: UiOptions | undefined
  /**
   * Given with a development issuer: the page of the interface (`/docs`) then gets a token for a name. Without it, a token
   * is pasted there.
   */
  readonly tokenForm?: TokenForm | undefined
  /** An issuer that is served below one path of the gateway, so that it shares origin and certificate. */
  readonly identityProxy?: { readonly path: string; readonly upstream: string } | undefined
  /** What a launcher offers below one path; it looks at the tokens itself. */
  readonly controlProxy?: { readonly path: string; readonly upstream: string } | undefined
  /**
   * Origins of other front ends, such as `https://shop.example.com`, as browsers write them. Their pages may ask, and read what is
   * answered; not the files of the user interface, nor what is below the path of a proxy. Default: none.
   */
  readonly corsOrigins?: readonly string[]
  /** Addresses, and networks such as `10.0.0.0/8`, whose X-Forwarded-For is believed. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Where `/metrics` is served; nowhere by default. Port 0: any free one. */
  readonly metrics?: MetricsAddress | undefined
  /** By default the machine's. */
  readonly clock?: Clock
  /**
   * The folder of the views, the gateway's alone, and how large it may become. It may always be deleted. Without it, the views
   * are kept in the heap.
   */
  readonly state?: { readonly folder: string; readonly maxBytes: number } | undefined
  /** Told when that folder gives back what was not written: the gateway should end, since its next start makes the views anew. */
  readonly onStateDamaged?: ((reason: string) => void) | undefined
  /** How long a command waited for its answer, in ms. */
  readonly onAnswered?: ((tookMs: number) => void) | undefined
  /** How often the log is asked where it ends. Default 2,000. */
  readonly monitorEveryMs?: number
  /** Which gateway this is, as spans tell it. By default the name of the definition. */
  readonly instance?: string | undefined
}

const keySource = { timeoutMs: 3_000, cooldownMs: 10_000, maxAgeMs: 600_000, staleMs: 24 * 3_600_000 }
/** Shorter than the wait for a reply, so that a log that is away is told as such (503) and not as unknown (504). */
const deliveryShare = 0.8
/** Spans of so long go to the log together, and as many as this may wait for it. */
const spans = { everyMs: 250, mostRecords: 2_000 }

export type Parts = Awaited<ReturnType<typeof assemble>>

/** The store stays the caller's to close. */
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
  const hub = new StreamHub(limits)
  const pace = openPace({ elapsed: clock.elapsed, mostHeld: limits.commandsInFlight, mostMs: limits.refusalHoldMs })
  const keys = openKeys(issuer, { clock, logger })
  const metrics = openMetrics(app, {
    feeds: () => allFeeds(),
    admission,
    stateBytes: () => store.bytes(),
    refusalsHeld: pace.held,
    keysAgeMs: keys.ageMs,
  })
  const producer = openProducer(cluster, { deliveryTimeoutMs: Math.floor(limits.replyTimeoutMs * deliveryShare) })
  const tracing = openSpans(gateway, { producer, instance, clock, onDropped: (count) => metrics.onDroppedSpans(count) })
  const onRestart = (feed: TopicFeed) => hub.restart(feed)
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
    pace,
    hub,
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
    // A reply that is lost is a command with an unknown outcome, and told so; without any reply, all would be.
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

/** Where the records of a key go; 0 as long as the topic is not known. */
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
