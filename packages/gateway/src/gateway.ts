/** The life of a gateway: the order in which its parts start and end. assemble.ts creates and connects the parts. */
import { setTimeout as delay } from 'node:timers/promises'
import type { PartitionOffset } from '@streampay/kafka'
import { type LocalStore, openLocalStore } from '@streampay/local-store'
import { memoryStore } from '@streampay/local-store/memory'
import type { FastifyBaseLogger } from 'fastify'
import { assemble, type GatewayOptions, type Parts } from './assemble.ts'
import type { Gateway } from './definition/definition.ts'
import { proxyCheck } from './http/address.ts'
import { createApp } from './http/app.ts'
import { boundConnections, timeOptions } from './http/connections.ts'
import { sendProblem } from './http/error-handler.ts'
import { acceptJsonBodies } from './http/json-body.ts'
import { redirectPlainHttp } from './http/plain-http.ts'
import { registerInterface } from './interface.ts'
import { boundLines } from './operation/log-lines.ts'
import { type MetricsServer, serveMetrics } from './operation/metrics-server.ts'
import { systemClock } from './shared/clock.ts'
import { ProblemError } from './shared/problem.ts'

/** A gateway that serves. */
export type RunningGateway = {
  /** The port in use, also if any free one was requested. */
  readonly port: number
  /** The port of `/metrics`; undefined if it is not served. */
  readonly metricsPort: number | undefined
  /** Resolves with true when every view has the records that were on the log at the start; with false if it is closed before. */
  readonly ready: Promise<boolean>
  /** The state at this moment. */
  readonly status: () => GatewayStatus
  /**
   * Resolves with true once its views include this record of the log, with false after the time: for a caller that writes to the
   * log and reads from this gateway.
   */
  readonly shows: (record: PartitionOffset, timeoutMs: number) => Promise<boolean>
  /** Ends streams, answers the requests under way, and frees everything, within `drainMs` and one second. */
  readonly close: () => Promise<void>
}

/** How far a gateway has read, and how busy it is. */
export type GatewayStatus = {
  /** The number of records that its views have not read yet, as far as known. */
  readonly lag: number
  /** The number of commands that wait for their answer. */
  readonly waiting: number
  /** The number of open streams. */
  readonly streams: number
  /** Whether every view has the records that were on the log at the start. */
  readonly isReady: boolean
}

const readyPollMs = 20
/** The progress of the views while they are built. */
const tellEveryMs = 5_000

/**
 * Serves HTTP/2 and HTTP/1.1 over TLS. Resolves when clients can connect; views may be incomplete until `ready`.
 * @throws MissingTopicError, or the error of the address (EADDRINUSE)
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs'
 * import { defineGateway, type GatewayDefinition, startGateway } from '@streampay/gateway'
 * import { clientOptionsFromEnv, openCluster } from '@streampay/kafka'
 * import { openLogger } from '@streampay/process'
 *
 * export async function serve(definition: GatewayDefinition): Promise<void> {
 *   const cluster = openCluster(clientOptionsFromEnv(process.env, definition.name))
 *   const gateway = await startGateway(defineGateway(definition), {
 *     cluster,
 *     tls: { key: readFileSync('key.pem', 'utf8'), cert: readFileSync('cert.pem', 'utf8') },
 *     host: '127.0.0.1',
 *     port: 9090,
 *     issuer: { issuer: 'https://login.example.com/', audience: 'https://notes.example.com' },
 *     logger: openLogger({ name: definition.name }),
 *     state: { folder: 'data/gateway', maxBytes: 1024 ** 3 },
 *   })
 *   await gateway.ready
 *   console.log(`https://localhost:${gateway.port}`)
 * }
 * ```
 */
export async function startGateway(gateway: Gateway, options: GatewayOptions): Promise<RunningGateway> {
  const { limits } = gateway
  const isProxy = proxyCheck(options.trustedProxies ?? [])
  const { clock = systemClock } = options
  const logger = boundLines(options.logger, { perSecond: limits.logLinesPerSecond, elapsed: clock.elapsed })
  const app = createApp({
    tls: options.tls,
    namespace: gateway.name,
    limits,
    times: timeOptions(limits),
    isProxy,
    logger,
    onUnroutable: (error, _request, reply) => {
      const isLong = 'code' in error && error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      const detail = isLong ? 'A part of the address is too long.' : 'The address cannot be decoded.'
      sendProblem(reply, new ProblemError('malformed-request', detail), gateway.name)
    },
  })
  acceptJsonBodies(app)
  const store = await openStore(options, logger)
  const parts = await assemble(app, gateway, { ...options, clock, logger, store })
  redirectPlainHttp(app.server)
  const connections = boundConnections(app, { limits, isProxy, onRefused: parts.metrics.onRefusedConnection })
  let metricsServer: MetricsServer | undefined
  try {
    await registerInterface(app, gateway, options, parts)
    await Promise.all([parts.views.start(), startReplies(parts)])
    // From here on the partition of a command is known.
    await options.cluster.topic(gateway.commandTopic)
    parts.monitor.start()
    if (options.metrics !== undefined) metricsServer = await serveMetrics(parts.metrics.registry, options.metrics)
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    await metricsServer?.close()
    await closeParts(parts)
    await app.close()
    await store.close()
    throw error
  }
  const address = app.server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    metricsPort: metricsServer?.port,
    ready: whenReady(parts, logger),
    status: () => statusOf(parts),
    shows: (record, timeoutMs) => showsRecord(parts, record, timeoutMs),
    close: async () => {
      parts.state.draining = true
      parts.openStreams.drain()
      await parts.admission.idle(limits.drainMs)
      connections.close(limits.drainMs)
      await app.close()
      await metricsServer?.close()
      await closeParts(parts)
      await store.close()
    },
  }
}

function statusOf({ allFeeds, admission, openStreams }: Parts): GatewayStatus {
  const feeds = allFeeds()
  return {
    lag: feeds.reduce((sum, { lag }) => sum + lag, 0),
    waiting: admission.waiting(),
    streams: openStreams.size,
    isReady: feeds.every(({ caughtUp }) => caughtUp),
  }
}

/** True for a topic without views. */
async function showsRecord({ views }: Parts, record: PartitionOffset, timeoutMs: number): Promise<boolean> {
  const feeds = views.feeds.filter(({ topic }) => topic.name === record.topic)
  const reached = await Promise.all(feeds.map((feed) => feed.reachedRecord(record, timeoutMs)))
  return reached.every(Boolean)
}

/** @throws LocalStoreError, usually LOCAL_STORE_LOCKED */
async function openStore(
  { state, onStateDamaged }: Pick<GatewayOptions, 'state' | 'onStateDamaged'>,
  logger: FastifyBaseLogger,
): Promise<LocalStore> {
  if (state === undefined) return memoryStore()
  const onDamaged = (reason: string) => {
    logger.error({ folder: state.folder, reason }, 'the state of the views is damaged')
    onStateDamaged?.(reason)
  }
  const { store, wiped } = await openLocalStore({ ...state, format: 'gateway-views-1', onDamaged })
  if (wiped !== undefined)
    logger.warn({ folder: state.folder, reason: wiped }, 'the state of the views is rebuilt from the log')
  return store
}

/** Reads replies from now on; earlier ones are read in the background. */
async function startReplies({ replyFeed, earlierReplies }: Parts): Promise<void> {
  await replyFeed.start(async ({ starts }) => {
    earlierReplies.start(starts)
    return undefined
  })
}

async function closeParts(parts: Parts): Promise<void> {
  const { monitor, views, replyFeed, earlierReplies, producer, tracing, openStreams, replies, refusalDelay } = parts
  openStreams.drain()
  replies.close()
  refusalDelay.close()
  await monitor.close()
  await Promise.all([views.close(), replyFeed.close(), earlierReplies.close(), tracing.close()])
  await producer.close()
}

async function whenReady({ allFeeds, state, clock }: Parts, logger: FastifyBaseLogger): Promise<boolean> {
  let toldAt = clock.elapsed()
  while (!state.draining && allFeeds().some((feed) => !feed.caughtUp)) {
    if (clock.elapsed() - toldAt >= tellEveryMs) {
      toldAt = clock.elapsed()
      const building = allFeeds().filter((feed) => !feed.caughtUp)
      const topics = building.map(({ topic, lag, progress }) => ({
        topic: topic.name,
        percent: Math.floor(progress * 100),
        left: lag,
      }))
      logger.info({ topics }, 'the views are being built')
    }
    await delay(readyPollMs)
  }
  return !state.draining
}
