/**
 * What a gateway is: the one typed page from which routes, checks and documents are made. It is plain data; what is only
 * known where it runs (issuer, certificates, ports) comes as options of `startGateway`.
 */
import type { TSchema } from 'typebox'
import type { FieldError, ProblemBody } from '../http/problem.ts'

export type TopicSpec = {
  readonly name: string
  readonly description: string
  /** What the record key is, in words. */
  readonly key: string
  /** As Kafka names it; `cleanup.policy` and `delete.retention.ms` decide how a view of the topic is kept and resumed. */
  readonly config: Readonly<Record<string, string>>
  readonly valueSchema: TSchema
  /**
   * For topics that anybody may write: why a record that satisfies the schema is nevertheless not believed, in words.
   * Such a record, and one that is not in the partition of its key, is passed over.
   */
  readonly faultOf?: (record: TopicRecord) => string | undefined
}

export type TopicRecord = {
  readonly key: string
  /** Parsed; `null` is a tombstone. */
  readonly value: unknown
  readonly header: (name: string) => string | undefined
}

/** Names of record headers, so that another gateway can stand in for this one. */
export type HeaderNames = {
  readonly domainModel: string
  readonly identity: string
  readonly correlationId: string
  readonly replyTo: string
  readonly idempotencyKey: string
  readonly replayed: string
  readonly contentType: string
  readonly traceparent: string
  readonly status: string
}

/** An answer of the service, or of the edge in its place. */
export type Refusal = ProblemBody

type RouteBase = {
  /** OpenAPI's form: `/payment-requests/{id}`. */
  readonly path: string
  readonly summary: string
  readonly scope: string
}

/** POST: the body becomes a record on the command topic, its reply the response. */
export type CommandRoute = RouteBase & {
  readonly kind: 'command'
  /** Value of the domain model header. */
  readonly model: string
  readonly body: TSchema
  /** Path parameter → record header that carries it. */
  readonly pathHeaders?: Readonly<Record<string, string>>
  /** Status → body of success. */
  readonly success: Readonly<Record<number, TSchema>>
  /** Statuses with which the service refuses, for the documents. */
  readonly refusals: readonly number[]
  /** Words for a body that the schema refuses; by default those of the schema check. */
  readonly explain?: (body: unknown) => readonly FieldError[]
  /** What can be refused without asking the service. The body has passed the schema. */
  readonly refuse?: (body: unknown, identity: string) => Refusal | undefined
}

/** PUT: writes the caller's own record of a compacted topic, keyed by identity. */
export type UpsertRoute = RouteBase & {
  readonly kind: 'upsert'
  readonly topic: string
  readonly body: TSchema
  /** The record's value. The id comes from the token. */
  readonly valueOf: (identity: string, body: unknown) => unknown
  /** Words for a body that the schema refuses; by default those of the schema check. */
  readonly explain?: (body: unknown) => readonly FieldError[]
  /** The path of the view of the same record, whose ETag If-Match names. */
  readonly view: string
}

/** GET: the caller's own reply, by correlation id, for any valid token. */
export type ReplyRoute = Omit<RouteBase, 'scope'> & { readonly kind: 'reply' }

/** Where a record tells whose it is. */
export type Owner = 'key' | { readonly header: string }

/** GET: a topic as JSON snapshot and live stream, filtered for the caller. */
export type ViewRoute = RouteBase & {
  readonly kind: 'view'
  readonly topic: string
  /** `list`: an array; `page`: newest first with a cursor; `one`: the only value; `item`: the record of the key in the path. */
  readonly show: 'list' | 'page' | 'one' | 'item'
  /** Only records of the caller. For an item: any of these must be the caller. Without it, everybody sees all. */
  readonly owners?: readonly Owner[]
  /** Only records with this header; one that loses it leaves the view. */
  readonly where?: { readonly header: string; readonly equals: string }
  /** Members of the value that `?search=` looks into. Compacted topics only. */
  readonly search?: readonly string[]
  readonly csv?: { readonly filename: string; readonly columns: readonly string[] }
}

/** GET `<path>/topics` and `<path>/topics/{topic}/records`: any topic, for operators. */
export type ConsoleRoute = RouteBase & { readonly kind: 'console' }

export type Route = CommandRoute | UpsertRoute | ReplyRoute | ViewRoute | ConsoleRoute

export type Limits = {
  /** Further ones are closed as soon as they are accepted. */
  readonly connections: number
  /** Requests and streams at once on one connection of HTTP/2; a client keeps to it, or its stream is refused. */
  readonly requestsOfConnection: number
  readonly bodyBytes: number
  /** The longest wait for a reply. */
  readonly replyTimeoutMs: number
  readonly commandsPerSecond: number
  /** Commands of one identity that wait for their replies at once. */
  readonly commandsInFlightOfOne: number
  /** Of all: the bound on memory. Within it, the limit of each partition is learned (commands/concurrency-limit.ts). */
  readonly commandsInFlight: number
  /** Of one partition, at the start. */
  readonly commandsInFlightAtFirst: number
  /** Of one partition, when nobody answers. */
  readonly commandsInFlightAtLeast: number
  /** What the mean wait for a reply is kept below by refusing commands. */
  readonly replyTargetMs: number
  /** After so long without any reply, of a partition for whose replies somebody waits, only a few commands are let in. */
  readonly replySilenceMs: number
  /** The longest that a refusal is held back while the event loop is behind. */
  readonly refusalHoldMs: number
  readonly streamsOfOne: number
  readonly streams: number
  readonly consoleStreams: number
  /** A client for whom more than this piles up is cut off. */
  readonly streamBufferBytes: number
  /** What may pile up for all clients together; then those with the most are cut off. */
  readonly streamBuffersBytes: number
  /** A client that takes nothing for so long during its history is cut off. */
  readonly slowClientTimeoutMs: number
  readonly heartbeatMs: number
  readonly retryMs: number
  /** Before the token's expiry. */
  readonly challengeMs: number
  readonly valueCacheBytes: number
  readonly replyCacheBytes: number
  /** Open connections that a shutdown waits for. */
  readonly drainMs: number
}

export const defaultLimits: Limits = {
  connections: 20_000,
  requestsOfConnection: 256,
  bodyBytes: 16 * 1024,
  replyTimeoutMs: 10_000,
  commandsPerSecond: 50,
  commandsInFlightOfOne: 64,
  commandsInFlight: 10_000,
  commandsInFlightAtFirst: 128,
  commandsInFlightAtLeast: 8,
  replyTargetMs: 500,
  replySilenceMs: 1_500,
  refusalHoldMs: 4_000,
  streamsOfOne: 32,
  streams: 20_000,
  consoleStreams: 16,
  streamBufferBytes: 1024 * 1024,
  streamBuffersBytes: 256 * 1024 * 1024,
  slowClientTimeoutMs: 30_000,
  heartbeatMs: 15_000,
  retryMs: 2_000,
  challengeMs: 30_000,
  valueCacheBytes: 16 * 1024 * 1024,
  replyCacheBytes: 32 * 1024 * 1024,
  drainMs: 3_000,
}

export type GatewayDefinition = {
  /** The namespace of problem types, and the realm of challenges. */
  readonly name: string
  readonly title: string
  readonly version: string
  readonly description: string
  /** Scope → what it permits, in words. */
  readonly scopes: Readonly<Record<string, string>>
  /** Identities that begin so are refused. */
  readonly reservedPrefix: string
  readonly headers: HeaderNames
  readonly topics: readonly TopicSpec[]
  readonly commandTopic: string
  readonly replyTopic: string
  readonly routes: readonly Route[]
  readonly limits?: Partial<Limits>
}

/** A definition that has passed all checks. */
export type Gateway = Omit<GatewayDefinition, 'limits'> & {
  readonly limits: Limits
  readonly topic: (name: string) => TopicSpec
}

/** Name of a view in event ids and metrics: the path without its slash and braces. */
export function viewNameOf(path: string): string {
  return path.slice(1).replaceAll(/[{}]/g, '').replaceAll('/', '.')
}

/** `{id}` → `:id`, as the router wants it. */
export function routerPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

export function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
}

export function isCompacted(topic: TopicSpec): boolean {
  return (topic.config['cleanup.policy'] ?? '').split(',').includes('compact')
}
