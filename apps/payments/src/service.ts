/** The payments service: ensures the log's topics, then runs both topologies in one process. */
import { join } from 'node:path'
import { maxRecordBytes } from '@streampay/domain'
import { type ClientOptions, type Cluster, openBackgroundSender, openCluster, openProducer } from '@streampay/kafka'
import { onMoment } from '@streampay/process'
import {
  type Limits,
  type RunningTopology,
  type RunOptions,
  type RuntimeHooks,
  runTopology,
  type Topology,
} from '@streampay/streams'
import type { Logger } from 'pino'
import { Counter, Registry } from 'prom-client'
import type { ServiceConfig, TopologyName } from './config.ts'
import { ensureTopics } from './ensure-topics.ts'
import { type MetricsServer, serveMetrics } from './metrics-server.ts'
import { paymentsTopology } from './payments-topology.ts'
import { statisticsCommitIntervalMs, statisticsTopology } from './statistics-topology.ts'
import { openTracing } from './tracing.ts'

export type ServiceOptions = {
  readonly config: ServiceConfig
  readonly client: ClientOptions
  readonly replicationFactor: number
  readonly logger: Logger
  /** For tests: functions between the steps of a topology's transactions. */
  readonly hooks?: Partial<Record<TopologyName, RuntimeHooks>>
}

export type PaymentsService = {
  readonly metricsPort: number | undefined
  /** The topologies with the tasks that this process runs. */
  readonly running: ReadonlyMap<TopologyName, RunningTopology>
  /** Rejects with the error that ended a topology; the process must then exit, to restore from the log. */
  readonly done: Promise<void>
  /**
   * Commits the open transactions and stops. By default the place in the groups is kept for a successor with the same slot, which
   * takes over at once, and the partitions wait for it until the session ends. With `leave` the other processes get them.
   */
  close(options?: { leave?: boolean }): Promise<void>
}

/** The time limit for the log's answers at start. */
const connectTimeoutMs = 30_000
/** Spans of this time are sent to the log together, and at most this many wait for it. */
const spansEveryMs = 250
const mostSpans = 2_000
/** After this time they are dropped; a service that ends waits no longer for them. */
const spanTimeoutMs = 2_000

/**
 * Resolves when every topology is restored and processes records.
 * @throws KafkaError, TopicsDifferError, StreamsError; everything that was opened is closed again.
 */
export async function startService(options: ServiceOptions): Promise<PaymentsService> {
  const { config, logger, hooks = {} } = options
  const cluster = openCluster(options.client)
  const registry = new Registry()
  const running = new Map<TopologyName, RunningTopology>()
  let metrics: MetricsServer | undefined
  const spans = openSpans(cluster, registry, config.slot)

  const close = async (how: { leave?: boolean } = {}) => {
    const ends = await Promise.allSettled([...running.values()].map((topology) => topology.close(how)))
    await spans.close()
    await metrics?.close()
    await cluster.close()
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  try {
    if (config.metricsPort !== undefined) {
      metrics = await serveMetrics(registry, { host: config.metricsHost, port: config.metricsPort })
    }
    await cluster.ready({ timeoutMs: connectTimeoutMs })
    const created = await ensureTopics(cluster, options)
    if (created.length > 0) logger.info({ topics: created }, 'topics created')
    for (const name of config.topologies) {
      const { slot, standbyReplicas: numStandbyReplicas } = config
      const settings = { cluster, slot, numStandbyReplicas, logger, registry, hooks: hooks[name] ?? {} }
      const plain = topologyOf(name, config)
      const definition = { ...plain, tracing: spans.tracing.of(plain.applicationId) }
      const limits = limitsOf(name, config)
      const topology = runTopology(definition, { ...settings, limits, ...stateOf(definition, config) })
      // Until the start is over, `ready` also rejects with an error.
      topology.done.catch(() => undefined)
      running.set(name, topology)
    }
    // A topology that is ready may fail while another is not yet.
    const topologies = [...running.values()]
    const ended = Promise.all(topologies.map(({ done }) => done))
    await Promise.race([Promise.all(topologies.map(({ ready }) => ready)), ended])
  } catch (error) {
    await close().catch((closeError: unknown) => logger.warn({ err: closeError }, 'closing after a failed start'))
    throw error
  }
  const done = Promise.all([...running.values()].map((topology) => topology.done)).then(() => undefined)
  // The caller of `close` may not watch `done`.
  done.catch(() => undefined)
  return { metricsPort: metrics?.port, running, done, close }
}

/** The sender for the spans of this process. */
function openSpans(cluster: Cluster, registry: Registry, slot: number) {
  const producer = openProducer(cluster, { deliveryTimeoutMs: spanTimeoutMs })
  const dropped = new Counter({
    name: 'payments_spans_dropped_total',
    help: 'Spans of traces that were not written to the log',
    registers: [registry],
  })
  const sender = openBackgroundSender({
    producer,
    everyMs: spansEveryMs,
    mostRecords: mostSpans,
    onDropped: (count) => dropped.inc(count),
  })
  const tracing = openTracing({ slot, sender })
  const stopListening = onMoment(tracing.onMoment)
  return {
    tracing,
    close: async () => {
      stopListening()
      await sender.close()
      await producer.close()
    },
  }
}

function limitsOf(name: TopologyName, { state }: ServiceConfig): Partial<Limits> {
  return {
    maxRecordBytes,
    ...(state !== undefined && { maxCacheBytes: state.maxCacheBytes }),
    ...(name === 'statistics' && { commitIntervalMs: statisticsCommitIntervalMs }),
  }
}

function stateOf({ applicationId }: Topology, { state }: ServiceConfig): Pick<RunOptions, 'state'> {
  if (state === undefined) return {}
  return { state: { folder: join(state.folder, applicationId), maxBytes: state.maxBytes } }
}

function topologyOf(name: TopologyName, { limits }: ServiceConfig): Topology {
  switch (name) {
    case 'payments':
      return paymentsTopology(limits)
    case 'statistics':
      return statisticsTopology()
  }
}
