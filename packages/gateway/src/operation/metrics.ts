/** The Prometheus metrics of a gateway: by route and status, by view, by topic with its lag. */
import { METHODS } from 'node:http'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Admission, RefusalReason } from '../commands/admission.ts'
import type { App } from '../http/app.ts'
import type { ConnectionRefusal } from '../http/connections.ts'
import type { EndReason } from '../sse/stream-registry.ts'
import type { TopicFeed } from '../views/topic-feed.ts'

export type Metrics = {
  readonly registry: Registry
  readonly onStreamOpen: (view: string) => void
  readonly onStreamEnd: (view: string, reason: EndReason) => void
  readonly onEvents: (view: string, count: number) => void
  readonly onRefusedRecord: (topic: string) => void
  readonly onRefusedCommand: (reason: RefusalReason) => void
  readonly onRefusedConnection: (reason: ConnectionRefusal) => void
  /** Refused tokens, permissions and identities, by the problem in the response. */
  readonly onRefusedAccess: (problem: string) => void
  readonly onDroppedSpans: (count: number) => void
}

export type MetricsSources = {
  readonly feeds: () => readonly TopicFeed[]
  readonly admission: Pick<Admission, 'waiting' | 'limits'>
  /** The size of the views' folder. */
  readonly stateBytes: () => number
  readonly refusalsHeld: () => number
  /** The age of the issuer's keys, in milliseconds; undefined without keys. */
  readonly keysAgeMs: () => number | undefined
}

export function openMetrics(app: App, sources: MetricsSources): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  measureRequests(app, registry)
  const streams = new Gauge({
    name: 'gateway_streams_open',
    help: 'Open streams by view',
    labelNames: ['view'],
    registers,
  })
  const ends = new Counter({
    name: 'gateway_streams_ended_total',
    help: 'Ended streams by view and reason',
    labelNames: ['view', 'reason'],
    registers,
  })
  const events = new Counter({
    name: 'gateway_stream_events_total',
    help: 'Events handed to streams by view',
    labelNames: ['view'],
    registers,
  })
  const refused = new Counter({
    name: 'gateway_records_refused_total',
    help: 'Records that no view shows because they are malformed, by topic',
    labelNames: ['topic'],
    registers,
  })
  new Gauge({
    name: 'gateway_commands_in_flight',
    help: 'Commands that wait for their reply',
    registers,
    collect() {
      this.set(sources.admission.waiting())
    },
  })
  new Gauge({
    name: 'gateway_command_limit',
    help: 'Commands that may wait for their reply at once, by partition',
    labelNames: ['partition'],
    registers,
    collect() {
      for (const [partition, limit] of sources.admission.limits()) this.set({ partition }, limit)
    },
  })
  new Gauge({
    name: 'gateway_refusals_held',
    help: 'Refusals that are held back until the event loop keeps up',
    registers,
    collect() {
      this.set(sources.refusalsHeld())
    },
  })
  const { refusedAccess, refusedConnections } = measureRefusals(registers, sources.keysAgeMs)
  const refusedCommands = new Counter({
    name: 'gateway_commands_refused_total',
    help: 'Commands refused because too many of one identity, or of all, wait, or because no service answers, by reason',
    labelNames: ['reason'],
    registers,
  })
  const droppedSpans = new Counter({
    name: 'gateway_spans_dropped_total',
    help: 'Spans of traces that were not written to the log',
    registers,
  })
  measureViews(registers, sources)
  return {
    registry,
    onStreamOpen: (view) => streams.inc({ view }),
    onStreamEnd: (view, reason) => {
      streams.dec({ view })
      ends.inc({ view, reason })
    },
    onEvents: (view, count) => events.inc({ view }, count),
    onRefusedRecord: (topic) => refused.inc({ topic }),
    onRefusedCommand: (reason) => refusedCommands.inc({ reason }),
    onRefusedConnection: (reason) => refusedConnections.inc({ reason }),
    onRefusedAccess: (problem) => refusedAccess.inc({ problem }),
    onDroppedSpans: (count) => droppedSpans.inc(count),
  }
}

function measureViews(registers: Registry[], sources: Pick<MetricsSources, 'feeds' | 'stateBytes'>): void {
  new Gauge({
    name: 'gateway_topic_lag_records',
    help: 'Records on the log that the views have not applied, by topic',
    labelNames: ['topic'],
    registers,
    collect() {
      for (const feed of sources.feeds()) this.set({ topic: feed.topic.name }, feed.lag)
    },
  })
  new Gauge({
    name: 'gateway_topic_progress_ratio',
    help: 'Part of the offsets of the log that the views have applied, by topic',
    labelNames: ['topic'],
    registers,
    collect() {
      for (const feed of sources.feeds()) this.set({ topic: feed.topic.name }, feed.progress)
    },
  })
  new Gauge({
    name: 'gateway_state_bytes',
    help: 'What the views take on the disk; 0 if they are kept in memory',
    registers,
    collect() {
      this.set(sources.stateBytes())
    },
  })
}

function measureRefusals(registers: Registry[], keysAgeMs: MetricsSources['keysAgeMs']) {
  new Gauge({
    name: 'gateway_issuer_keys_age_seconds',
    help: 'Since the keys of the issuer were fetched, which is tried every ten minutes; -1 without keys',
    registers,
    collect() {
      this.set((keysAgeMs() ?? -1_000) / 1_000)
    },
  })
  const refusedAccess = new Counter({
    name: 'gateway_access_refused_total',
    help: 'Requests refused for their token, its permissions or its identity, by problem',
    labelNames: ['problem'],
    registers,
  })
  const refusedConnections = new Counter({
    name: 'gateway_connections_refused_total',
    help: 'Connections that were closed at once because too many of all, or of one address, are open',
    labelNames: ['reason'],
    registers,
  })
  return { refusedAccess, refusedConnections }
}

function measureRequests(app: App, registry: Registry): void {
  const durations = new Histogram({
    name: 'gateway_request_duration_seconds',
    help: 'Time to answer by route, method and status; streams are not counted',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  app.addHook('onResponse', async (request, reply) => {
    // The pattern, not the path: a label for each id would have no limit, and neither would one for each method of HTTP/2.
    const route = request.routeOptions.url ?? 'none'
    if (reply.raw.getHeader('content-type')?.toString().startsWith('text/event-stream')) return
    const method = METHODS.includes(request.method) ? request.method : 'other'
    durations.observe({ route, method, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
}
