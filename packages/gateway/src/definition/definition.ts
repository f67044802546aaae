/**
 * The definition of a gateway: one typed object from which routes, checks and documents are made. It is plain data; settings
 * that depend on the place where it runs (issuer, certificates, ports) are options of `startGateway`.
 */
import type { Cluster } from '@streampay/kafka'
import { Object as Struct, String as Text, type TSchema } from 'typebox'
import type { FieldError, ProblemBody } from '../shared/problem.ts'
import type { QueryTextName } from '../shared/query-texts.ts'

/** A topic behind the gateway: its contents, for the documents and for the check of each record. */
export type TopicSpec = {
  /** The name of the topic on the log. */
  readonly name: string
  /** For the AsyncAPI document. */
  readonly description: string
  /** The meaning of the record key, in words. */
  readonly key: string
  /** By Kafka's names; `cleanup.policy` and `delete.retention.ms` decide how a view of the topic is kept and resumed. */
  readonly config: Readonly<Record<string, string>>
  /** A record whose value does not match the schema is skipped and counted. */
  readonly valueSchema: TSchema
  /**
   * For topics that any client may write: the reason, in words, why a record that matches the schema is still not accepted.
   * Such a record, and one in another partition than its key's, is skipped.
   */
  readonly faultOf?: (record: TopicRecord) => string | undefined
}

/** A record as `faultOf` gets it: `header` returns the text of a header, undefined if there is none. */
export type TopicRecord = {
  /** The record key as text. */
  readonly key: string
  /** Parsed; `null` is a tombstone. */
  readonly value: unknown
  /** Returns the text of a header, the last one if the name repeats. */
  readonly header: (name: string) => string | undefined
}

/** Names of record headers. They can be set, so that another gateway can replace this one. */
export type HeaderNames = {
  /** On commands: `model` of the route. */
  readonly domainModel: string
  /** On commands: the subject of the token. */
  readonly identity: string
  /** On commands and replies: connects a reply with one HTTP request. */
  readonly correlationId: string
  /** On commands: the topic of replies. */
  readonly replyTo: string
  /** On commands and replies: names the intent; the value is the client's. */
  readonly idempotencyKey: string
  /** On replies: `true` if it repeats the first outcome. */
  readonly replayed: string
  /** On commands and replies: the media type of the value. */
  readonly contentType: string
  /** On commands and the records that they cause: W3C Trace Context. */
  readonly traceparent: string
  /** On replies: the status of the response, as text. */
  readonly status: string
  /** On replies, the owner: Zilla makes response fields from record headers, and their names can't have a colon. */
  readonly replyIdentity: string
  /** On a reply that refuses temporarily: whole seconds after which the request may be repeated. */
  readonly retryAfter: string
}

/** For a gateway that doesn't have to work with another one. */
export const defaultHeaderNames: HeaderNames = {
  domainModel: 'model',
  identity: 'identity',
  correlationId: 'correlation-id',
  replyTo: 'reply-to',
  idempotencyKey: 'idempotency-key',
  replayed: 'idempotency-replayed',
  contentType: 'content-type',
  traceparent: 'traceparent',
  status: ':status',
  replyIdentity: 'reply-identity',
  retryAfter: 'retry-after',
}

/** An answer of the service, or of the gateway instead of it. */
export type Refusal = ProblemBody

/** The members that all routes have. */
export type RouteBase = {
  /** In OpenAPI's form: `/payment-requests/{id}`. */
  readonly path: string
  /** One sentence, for the documents. */
  readonly summary: string
  /** The permission that a token must have. */
  readonly scope: string
}

/** POST: the body becomes a record on the command topic, its reply the response. */
export type CommandRoute = RouteBase & {
  readonly kind: 'command'
  /** Value of the domain model header. */
  readonly model: string
  /** The schema of the request's body. The body becomes the value of the command. */
  readonly body: TSchema
  /** An example of the body, for the documents. */
  readonly example?: unknown
  /** Path parameter → the record header for it. */
  readonly pathHeaders?: Readonly<Record<string, string>>
  /** Status → body of success. */
  readonly success: Readonly<Record<number, TSchema>>
  /** Statuses with which the service refuses, for the documents. */
  readonly refusals: readonly number[]
  /** The text for a body that the schema refuses; default: the text of the schema check. */
  readonly explain?: (body: unknown) => readonly FieldError[]
  /** Refusals that don't need the service. The body has passed the schema. */
  readonly refuse?: (body: unknown, identity: string) => Refusal | undefined
}

/** PUT: writes the caller's own record of a compacted topic, keyed by identity. */
export type UpsertRoute = RouteBase & {
  readonly kind: 'upsert'
  /** The compacted topic that is written. */
  readonly topic: string
  /** The schema of the request's body. */
  readonly body: TSchema
  /** An example of the body, for the documents. */
  readonly example?: unknown
  /** The record's value. The id comes from the token. */
  readonly valueOf: (identity: string, body: unknown) => unknown
  /** The text for a body that the schema refuses; default: the text of the schema check. */
  readonly explain?: (body: unknown) => readonly FieldError[]
  /** A check that the schema can't express: refuses a body that has passed the schema. */
  readonly refuse?: (body: unknown) => Refusal | undefined
  /** The path of the view of the same record, whose ETag If-Match has. */
  readonly view: string
}

/** GET: the caller's own reply, by correlation id, for any valid token. */
export type ReplyRoute = Omit<RouteBase, 'scope'> & { readonly kind: 'reply' }

/**
 * The header with the owner of a record. With `part`, an owner's records are divided by another header, and a query names the part:
 * each part has an index of its own, so its records are found at the same cost, however many the other parts have.
 */
export type Owner =
  | 'key'
  | {
      /** The name of the header with the identity of the owner. */
      readonly header: string
      /** Divides the records of one owner by another header. */
      readonly part?: OwnersPart
    }

/** How the records of one owner are divided: each part has an index of its own. */
export type OwnersPart = {
  /** The query parameter that names the part. */
  readonly parameter: string
  /** The record header with the part. */
  readonly header: string
  /** The form that the parameter must have. */
  readonly text: QueryTextName
}

/** `?search=` of a page: selects some of the caller's records. */
export type PageFind = {
  /** Query parameters, each optional; with any of them only matching records are returned. */
  readonly parameters: Readonly<Record<string, TSchema>>
  /** The path of the directory view from which `titlesOf` reads. */
  readonly directory: string
  /**
   * Whether a record matches.
   * @param value of a record that matches the schema
   * @param asked the parameters in the query
   * @param titlesOf the searched members of the directory's record with this key; empty if it has none
   */
  readonly matches: (
    value: unknown,
    asked: Readonly<Record<string, string>>,
    titlesOf: (key: string) => readonly string[],
  ) => boolean
}

/** GET: a topic as JSON snapshot and live stream, filtered for the caller. */
export type ViewRoute = RouteBase & {
  readonly kind: 'view'
  /** The topic of the view. */
  readonly topic: string
  /**
   * `list`: an array; `page`: newest first with a cursor; `one`: the only value; `item`: the record of the key in the path;
   * `directory`: searched, one page at a time, or read by keys, but never as a whole.
   */
  readonly show: 'list' | 'page' | 'one' | 'item' | 'directory'
  /** Only records of the caller. For an item: one of these must be the caller. Without it, every caller sees all records. */
  readonly owners?: readonly Owner[]
  /** Writes a span when it shows a record of a sampled trace to its owner. For a topic that keeps every record. */
  readonly isTraced?: boolean
  /** Only records with this header; a record that loses it leaves the view. */
  readonly where?: { readonly header: string; readonly equals: string }
  /** Query parameter → the record header that it filters by, and its allowed values. A record that loses the header leaves the view. */
  readonly filters?: Readonly<Record<string, { readonly header: string; readonly values: readonly string[] }>>
  /** For a directory: members of the value that `?search=` searches, the title first. */
  readonly search?: readonly string[]
  /** For a list of a topic that keeps every record: `?from=` and `?to=`, as in a page. */
  readonly byTime?: true
  /** For a page: how its records are searched. */
  readonly find?: PageFind
  /** For a page: the file name of its `text/csv`, and the members of the values in its columns. */
  readonly csv?: { readonly filename: string; readonly columns: readonly string[] }
}

/** GET: several views on one stream, for any valid token; each view requires its own scope. */
export type LiveRoute = Omit<RouteBase, 'scope'> & { readonly kind: 'live' }

/** GET of each of `consolePaths`: the contents of the log, for operators; and the writes that they may do. */
export type ConsoleRoute = RouteBase & {
  readonly kind: 'console'
  /** What operators may write, and with which permission; by default they can't write. */
  readonly writing?: ConsoleWriting
}

/** The writes that operators may do. */
export type ConsoleWriting = {
  /** A permission of its own: an operator who may read everything may not write for that reason. */
  readonly scope: string
  /** Topics to which a record may be written by hand: those that any client can write, whose records are not trusted. */
  readonly topics: readonly string[]
  /** Judges dead letters, and puts them back. */
  readonly letters: LetterDesk
}

/** The place of a dead-lettered record on the topic of dead letters. */
export type LetterPlace = { readonly partition: number; readonly offset: number }

/** Decides whether dead-lettered records may be written again, and writes them. */
export type LetterDesk = {
  /** Undefined if there is none; without a `refusal` it may be written again. */
  readonly judge: (
    cluster: Cluster,
    place: LetterPlace,
  ) => Promise<{ readonly refusal: string | undefined } | undefined>
  /** Writes it to its topic again, if that is allowed; undefined if there is none. */
  readonly putBack: (cluster: Cluster, place: LetterPlace) => Promise<LetterPutBack | undefined>
}

/**
 * The outcome for a dead letter that was to be put back: it was refused, for the reason in `refusal`; it was written at `place`
 * (topic/partition/offset), with its answer if that came in time; or the log did not confirm it, because of `fault`.
 */
export type LetterPutBack =
  | { readonly kind: 'refused'; readonly refusal: string }
  | {
      readonly kind: 'written'
      /** Where it is now: topic/partition/offset. */
      readonly place: string
      /** What the service answered; undefined if nothing came in time, or if the record gets no answer. */
      readonly answer: { readonly status: number; readonly detail: string | undefined } | undefined
    }
  | { readonly kind: 'failed'; readonly fault: string }

/** Below the route's own path. */
export const consolePaths = {
  topics: '/topics',
  records: '/topics/{topic}/records',
  groups: '/groups',
  group: '/groups/{group}',
  transactions: '/transactions',
  letter: '/dead-letters/{partition}/{offset}',
} as const

/** POST, with the permission to write: paths below the route's own. */
export const consoleWritingPaths = {
  records: '/topics/{topic}/records',
  letter: '/dead-letters/{partition}/{offset}/replay',
} as const

/** The kinds of paths of a gateway, by `kind`. */
export type Route = CommandRoute | UpsertRoute | ReplyRoute | ViewRoute | LiveRoute | ConsoleRoute

/** Limits of a gateway: bytes, counts, ms, and counts per second. Each says whether it is for one identity or address, or for all. */
export type Limits = {
  /** Open connections; further ones are closed as soon as they are accepted. */
  readonly connections: number
  /** Open connections of each address; 64 bits of an IPv6 address count as one. Connections of trusted proxies do not count. */
  readonly connectionsOfAddress: number
  /** The time for TLS. */
  readonly handshakeMs: number
  /** The time from then to the whole header block of the first request. */
  readonly firstRequestMs: number
  /** The time from a request's header block (over HTTP/1.1, from its first byte) to the end of its body. */
  readonly requestMs: number
  /** The time without a request under way. */
  readonly idleMs: number
  /** The time without any byte of a response under way, or of its request. */
  readonly stalledMs: number
  /** Requests and streams at once on one HTTP/2 connection; if a client exceeds it, its stream is refused. */
  readonly requestsOfConnection: number
  /** The size of a request's body; a longer one is answered with 413. */
  readonly bodyBytes: number
  /** The longest wait for a reply. */
  readonly replyTimeoutMs: number
  /** Commands per second whose trace is sampled; 0: none. */
  readonly tracesPerSecond: number
  /** Sampled commands per second of one identity. */
  readonly tracesPerSecondOfOne: number
  /** Writing requests of one identity per second; further ones are answered with 429. */
  readonly commandsPerSecond: number
  /** GET requests of one identity per second, streams included. */
  readonly readsPerSecond: number
  /** Requests without a valid token of one address per second: files, documents, the issuer, refused requests. */
  readonly anonymousPerSecond: number
  /** Lines of one kind in the log per second; the limit of all kinds together is ten times as high. */
  readonly logLinesPerSecond: number
  /** Commands of one identity that wait for their replies at once. */
  readonly commandsInFlightOfOne: number
  /** Waiting commands of all: it limits the memory. Within it, the limit of each partition is learned (commands/concurrency-limit.ts). */
  readonly commandsInFlight: number
  /** Waiting commands of one partition, at the start. */
  readonly commandsInFlightAtFirst: number
  /** Waiting commands of one partition that are accepted if there are no replies. */
  readonly commandsInFlightAtLeast: number
  /** The gateway refuses commands to keep the mean wait for a reply below this time. */
  readonly replyTargetMs: number
  /** After this time without any reply in a partition with waiting commands, only a few commands are accepted. */
  readonly replySilenceMs: number
  /** The longest time that a refusal is delayed while the event loop is late. */
  readonly refusalHoldMs: number
  /** Open streams of views of one identity; a further one is answered with 429. */
  readonly streamsOfOne: number
  /** Open streams of views of all identities. */
  readonly streams: number
  /** Open streams of topics in the console, of all operators. */
  readonly consoleStreams: number
  /** Open streams of topics in the console, of one operator. */
  readonly consoleStreamsOfOne: number
  /** A client with more unsent bytes than this is disconnected. */
  readonly streamBufferBytes: number
  /** Unsent bytes of all clients together; beyond it, the clients with the most are disconnected. */
  readonly streamBuffersBytes: number
  /** A client that takes no bytes for this time during its history is disconnected. */
  readonly slowClientTimeoutMs: number
  /** The time from one heartbeat of a stream to the next. */
  readonly heartbeatMs: number
  /** The time after which a client that has lost its stream reconnects (`retry` of Server-Sent Events). */
  readonly retryMs: number
  /** The time before the token's expiry at which the client is asked for a new one. */
  readonly challengeMs: number
  /** Records that come one by one within this time are read, stored and shown together: a view may be late by this time under load. */
  readonly viewLingerMs: number
  /** The size of records in memory, of all views together. */
  readonly valueCacheBytes: number
  /** The size of replies in memory, which clients may still request. */
  readonly replyCacheBytes: number
  /** The time that a shutdown waits for open connections. */
  readonly drainMs: number
}

export const defaultLimits: Limits = {
  connections: 20_000,
  connectionsOfAddress: 1_000,
  handshakeMs: 10_000,
  firstRequestMs: 15_000,
  requestMs: 30_000,
  idleMs: 75_000,
  stalledMs: 60_000,
  requestsOfConnection: 256,
  bodyBytes: 16 * 1024,
  replyTimeoutMs: 10_000,
  tracesPerSecond: 20,
  tracesPerSecondOfOne: 5,
  commandsPerSecond: 50,
  readsPerSecond: 100,
  anonymousPerSecond: 500,
  logLinesPerSecond: 10,
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
  consoleStreamsOfOne: 4,
  streamBufferBytes: 1024 * 1024,
  streamBuffersBytes: 256 * 1024 * 1024,
  slowClientTimeoutMs: 30_000,
  heartbeatMs: 15_000,
  retryMs: 2_000,
  challengeMs: 30_000,
  viewLingerMs: 10,
  valueCacheBytes: 16 * 1024 * 1024,
  replyCacheBytes: 32 * 1024 * 1024,
  drainMs: 3_000,
}

/** The routes of a gateway, their permissions, and the topics behind it. `defineGateway` checks it. */
export type GatewayDefinition = {
  /** The namespace of problem types, and the realm of challenges. */
  readonly name: string
  /** For the documents, and so are version and description. */
  readonly title: string
  /** The version of the interface, in any form. */
  readonly version: string
  /** The purpose, in Markdown. */
  readonly description: string
  /** In OpenAPI's form: `identifier` is SPDX's. */
  readonly license?: { readonly name: string; readonly identifier: string }
  /** Scope → what it permits, in words. */
  readonly scopes: Readonly<Record<string, string>>
  /** Identities of the system itself, or those that look like one: they are refused. */
  readonly isReserved: (identity: string) => boolean
  /** The names that the services behind the log use. */
  readonly headers: HeaderNames
  /** Every topic named below. */
  readonly topics: readonly TopicSpec[]
  /** Where commands are written, keyed by the identity. */
  readonly commandTopic: string
  /** The topic of the services' replies; every gateway reads all of it. */
  readonly replyTopic: string
  /** The consumer group whose members answer commands: if it has no members, the gateway is not ready. */
  readonly commandGroup?: string
  /**
   * A compacted topic with the records that count as not being on the log: values of `{topic, partition, offset, lastOffset}`, the
   * last two inclusive. Without it, a batch that cannot be decoded stops the views of its topic permanently.
   */
  readonly setAsideTopic?: string
  /** The topic of spans of sampled traces; without it no trace is sampled. Its values are JSON: `{traceId, service, source, steps}`. */
  readonly spanTopic?: string
  /** Each has another method or path. */
  readonly routes: readonly Route[]
  /** The limits that differ from the defaults. */
  readonly limits?: Partial<Limits>
}

/** A definition that has passed all checks. */
export type Gateway = Omit<GatewayDefinition, 'limits'> & {
  /** All limits, defaults included. */
  readonly limits: Limits
  /** The topic with this name. @throws DefinitionError if the definition doesn't have it */
  readonly topic: (name: string) => TopicSpec
}

/** The name of a view in event ids and metrics: the path without its slash and braces. */
export function viewNameOf(path: string): string {
  return path.slice(1).replaceAll(/[{}]/g, '').replaceAll('/', '.')
}

/** The allowed values of a path parameter. */
export const pathText = Text({ minLength: 1, maxLength: 255 })

/** The schemas of the path's parameters, by which the router checks them. */
export function parametersSchema(path: string) {
  return Struct(Object.fromEntries(parametersOf(path).map((name) => [name, pathText])))
}

/** `{id}` → `:id`, the router's form. */
export function routerPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

export function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
}

export function isCompacted(topic: TopicSpec): boolean {
  return (topic.config['cleanup.policy'] ?? '').split(',').includes('compact')
}

/** Kafka's own default: 24 hours. */
const defaultDeleteRetentionMs = 86_400_000

/** The least time that a compacted topic keeps tombstones. */
export function deleteRetentionMs(topic: TopicSpec): number {
  const configured = Number(topic.config['delete.retention.ms'])
  return Number.isFinite(configured) ? configured : defaultDeleteRetentionMs
}
