/**
 * What a gateway is: the one typed page from which routes, checks and documents are made. It is plain data; what is only
 * known where it runs (issuer, certificates, ports) comes as options of `startGateway`.
 */
import type { Cluster } from '@streampay/kafka'
import { Object as Struct, String as Text, type TSchema } from 'typebox'
import type { FieldError, ProblemBody } from '../shared/problem.ts'
import type { QueryTextName } from '../shared/query-texts.ts'

/** A topic behind the gateway: what it holds, for the documents and for the check of each record. */
export type TopicSpec = {
  readonly name: string
  readonly description: string
  /** What the record key is, in words. */
  readonly key: string
  /** As Kafka names it; `cleanup.policy` and `delete.retention.ms` decide how a view of the topic is kept and resumed. */
  readonly config: Readonly<Record<string, string>>
  /** A record whose value does not satisfy it is passed over, and counted. */
  readonly valueSchema: TSchema
  /**
   * For topics that anybody may write: why a record that satisfies the schema is nevertheless not believed, in words.
   * Such a record, and one that is not in the partition of its key, is passed over.
   */
  readonly faultOf?: (record: TopicRecord) => string | undefined
}

/** A record, as `faultOf` judges it: `header` gives the text of a header, undefined if it isn't there. */
export type TopicRecord = {
  readonly key: string
  /** Parsed; `null` is a tombstone. */
  readonly value: unknown
  readonly header: (name: string) => string | undefined
}

/** Names of record headers, so that another gateway can stand in for this one. */
export type HeaderNames = {
  /** On commands: `model` of the route. */
  readonly domainModel: string
  /** On commands: the subject of the token. */
  readonly identity: string
  /** On commands and replies: joins a reply to one HTTP request. */
  readonly correlationId: string
  /** On commands: the topic of replies. */
  readonly replyTo: string
  /** On commands and replies: names the intent, as the client does. */
  readonly idempotencyKey: string
  /** On replies: `true` where it is the first outcome again. */
  readonly replayed: string
  /** On commands and replies: the media type of the value. */
  readonly contentType: string
  /** On commands and what they cause: W3C Trace Context. */
  readonly traceparent: string
  /** On replies: the status of the response, as text. */
  readonly status: string
  /** On replies, whose they are: Zilla makes response fields of record headers, and these know no colon. */
  readonly replyIdentity: string
  /** On a reply that refuses for now: whole seconds after which it may be tried again. */
  readonly retryAfter: string
}

/** For a gateway with which no other has to agree. */
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
  /** What the request's body has to satisfy. It becomes the value of the command. */
  readonly body: TSchema
  /** A body, for the documents. */
  readonly example?: unknown
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
  /** The compacted topic that is written. */
  readonly topic: string
  /** What the request's body has to satisfy. */
  readonly body: TSchema
  /** A body, for the documents. */
  readonly example?: unknown
  /** The record's value. The id comes from the token. */
  readonly valueOf: (identity: string, body: unknown) => unknown
  /** Words for a body that the schema refuses; by default those of the schema check. */
  readonly explain?: (body: unknown) => readonly FieldError[]
  /** What the schema cannot say: a refusal of a body that has passed it. */
  readonly refuse?: (body: unknown) => Refusal | undefined
  /** The path of the view of the same record, whose ETag If-Match names. */
  readonly view: string
}

/** GET: the caller's own reply, by correlation id, for any valid token. */
export type ReplyRoute = Omit<RouteBase, 'scope'> & { readonly kind: 'reply' }

/**
 * Where a record tells whose it is. With `part`, what an owner has is divided by another header, and a query names the part: each is
 * found by itself, however much there is beside it.
 */
export type Owner = 'key' | { readonly header: string; readonly part?: OwnersPart }

export type OwnersPart = { readonly parameter: string; readonly header: string; readonly text: QueryTextName }

/** `?search=` of a page: which of the caller's records are wanted. */
export type PageFind = {
  /** Query parameters, each optional; with any of them only records that match are given. */
  readonly parameters: Readonly<Record<string, TSchema>>
  /** Path of the view of the directory that `titlesOf` looks into. */
  readonly directory: string
  /**
   * Whether a record is one that is looked for.
   * @param value of a record that satisfies the schema
   * @param asked the parameters that were given
   * @param titlesOf the searched members of the directory's record of this key; none if it has none
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
  /** The topic that is shown. */
  readonly topic: string
  /**
   * `list`: an array; `page`: newest first with a cursor; `one`: the only value; `item`: the record of the key in the path;
   * `directory`: searched, a page at a time, or asked for by keys, but never whole.
   */
  readonly show: 'list' | 'page' | 'one' | 'item' | 'directory'
  /** Only records of the caller. For an item: any of these must be the caller. Without it, everybody sees all. */
  readonly owners?: readonly Owner[]
  /** When it shows a record of a sampled trace to its owner is told on the topic of spans. Of a topic that keeps every record. */
  readonly isTraced?: boolean
  /** Only records with this header; one that loses it leaves the view. */
  readonly where?: { readonly header: string; readonly equals: string }
  /** Query parameter → the record header that it picks by, and what it may ask for. A record that loses it leaves the view. */
  readonly filters?: Readonly<Record<string, { readonly header: string; readonly values: readonly string[] }>>
  /** Of a directory: members of the value that `?search=` looks into, the title first. */
  readonly search?: readonly string[]
  /** Of a list of a topic that keeps every record: `?from=` and `?to=`, as a page has them. */
  readonly byTime?: true
  /** Of a page: how its records are searched. */
  readonly find?: PageFind
  /** Of a page: under which name it is saved as `text/csv`, and which members of the values are its columns. */
  readonly csv?: { readonly filename: string; readonly columns: readonly string[] }
}

/** GET: several views on one stream, for any valid token; each view asks for its own scope. */
export type LiveRoute = Omit<RouteBase, 'scope'> & { readonly kind: 'live' }

/** GET of each of `consolePaths`: the log as it is, for operators; and what they may write. */
export type ConsoleRoute = RouteBase & {
  readonly kind: 'console'
  /** What operators may write, and with which permission; by default nothing. */
  readonly writing?: ConsoleWriting
}

export type ConsoleWriting = {
  /** A permission of its own: who may see everything may not therefore write. */
  readonly scope: string
  /** Topics to which a record may be written by hand: those that anybody can write, of which nothing is trusted. */
  readonly topics: readonly string[]
  readonly letters: LetterDesk
}

/** Where a record that could not be processed stands on the topic of such records. */
export type LetterPlace = { readonly partition: number; readonly offset: number }

/** What knows whether records that could not be processed may be put back, and does it. */
export type LetterDesk = {
  /** Undefined if there is none; without a `refusal` it may be put back. */
  readonly judge: (
    cluster: Cluster,
    place: LetterPlace,
  ) => Promise<{ readonly refusal: string | undefined } | undefined>
  /** Writes it to its topic again, if it may be; undefined if there is none. */
  readonly putBack: (cluster: Cluster, place: LetterPlace) => Promise<LetterPutBack | undefined>
}

export type LetterPutBack =
  | { readonly kind: 'refused'; readonly refusal: string }
  | {
      readonly kind: 'written'
      readonly place: string
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

/** What a path of the gateway does, by its `kind`. */
export type Route = CommandRoute | UpsertRoute | ReplyRoute | ViewRoute | LiveRoute | ConsoleRoute

/** Bounds of a gateway: bytes, counts, ms, and counts a second. Of one identity or address, or of all, as each says. */
export type Limits = {
  /** Further ones are closed as soon as they are accepted. */
  readonly connections: number
  /** The same for each address; 64 bits of an IPv6 address count as one. Connections of trusted proxies do not count. */
  readonly connectionsOfAddress: number
  /** For TLS. */
  readonly handshakeMs: number
  /** From then to the whole header block of the first request. */
  readonly firstRequestMs: number
  /** From its header block (over HTTP/1.1, from its first byte) to the end of a request's body. */
  readonly requestMs: number
  /** Without a request under way. */
  readonly idleMs: number
  /** Without any byte of an answer under way, or of its request. */
  readonly stalledMs: number
  /** Requests and streams at once on one connection of HTTP/2; a client keeps to it, or its stream is refused. */
  readonly requestsOfConnection: number
  /** Of a request's body; a longer one is answered with 413. */
  readonly bodyBytes: number
  /** The longest wait for a reply. */
  readonly replyTimeoutMs: number
  /** Commands whose trace is sampled; 0: none. */
  readonly tracesPerSecond: number
  /** Those of one identity. */
  readonly tracesPerSecondOfOne: number
  /** Requests of one identity that write; further ones are answered with 429. */
  readonly commandsPerSecond: number
  /** GET requests of one identity, streams included. */
  readonly readsPerSecond: number
  /** Of one address, requests without a valid token: files, documents, the issuer, refused ones. */
  readonly anonymousPerSecond: number
  /** Lines of one kind in the log; of all kinds together, ten times as many. */
  readonly logLinesPerSecond: number
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
  /** Open streams of views of one identity; a further one is answered with 429. */
  readonly streamsOfOne: number
  /** Those of all. */
  readonly streams: number
  /** Open streams of topics in the console, of all operators; */
  readonly consoleStreams: number
  /** and those of one. */
  readonly consoleStreamsOfOne: number
  /** A client for whom more than this piles up is cut off. */
  readonly streamBufferBytes: number
  /** What may pile up for all clients together; then those with the most are cut off. */
  readonly streamBuffersBytes: number
  /** A client that takes nothing for so long during its history is cut off. */
  readonly slowClientTimeoutMs: number
  /** From one heartbeat of a stream to the next. */
  readonly heartbeatMs: number
  /** After which a client connects again that has lost its stream (`retry` of Server-Sent Events). */
  readonly retryMs: number
  /** Before the token's expiry. */
  readonly challengeMs: number
  /** What comes one by one within this time is read, kept and shown together: by so much a view may be later under load. */
  readonly viewLingerMs: number
  /** Of records in memory, of all views together. */
  readonly valueCacheBytes: number
  /** Of replies in memory, which clients may still ask for. */
  readonly replyCacheBytes: number
  /** Open connections that a shutdown waits for. */
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

/** What a gateway serves, to whom, and which topics are behind it. `defineGateway` checks it. */
export type GatewayDefinition = {
  /** The namespace of problem types, and the realm of challenges. */
  readonly name: string
  /** For the documents, as are version and description. */
  readonly title: string
  /** That of the interface, in the form that its owner chooses. */
  readonly version: string
  /** What it is for, in Markdown. */
  readonly description: string
  /** As OpenAPI names it: `identifier` is SPDX's. */
  readonly license?: { readonly name: string; readonly identifier: string }
  /** Scope → what it permits, in words. */
  readonly scopes: Readonly<Record<string, string>>
  /** Identities that belong to the system itself, or look so: they are refused. */
  readonly isReserved: (identity: string) => boolean
  /** As the services behind the log know them. */
  readonly headers: HeaderNames
  /** Every topic that is named below. */
  readonly topics: readonly TopicSpec[]
  /** Where commands are written, keyed by the identity. */
  readonly commandTopic: string
  /** Where the services answer them; every gateway reads all of it. */
  readonly replyTopic: string
  /** The consumer group whose members answer commands: without any, the gateway is not ready. */
  readonly commandGroup?: string
  /**
   * A compacted topic that says what counts as not being on the log: values of `{topic, partition, offset, lastOffset}`, the
   * last two inclusive. Without it, a batch that cannot be decoded stops the views of its topic for good.
   */
  readonly setAsideTopic?: string
  /** Where spans of sampled traces go; without it nothing is sampled. Its values are JSON: `{traceId, service, source, steps}`. */
  readonly spanTopic?: string
  /** Each with another method or path. */
  readonly routes: readonly Route[]
  /** What differs from the defaults. */
  readonly limits?: Partial<Limits>
}

/** A definition that has passed all checks. */
export type Gateway = Omit<GatewayDefinition, 'limits'> & {
  /** All of them, defaults included. */
  readonly limits: Limits
  /** The topic of this name. @throws DefinitionError if it isn't one of the definition */
  readonly topic: (name: string) => TopicSpec
}

/** Name of a view in event ids and metrics: the path without its slash and braces. */
export function viewNameOf(path: string): string {
  return path.slice(1).replaceAll(/[{}]/g, '').replaceAll('/', '.')
}

/** What a parameter of a path may be. */
export const pathText = Text({ minLength: 1, maxLength: 255 })

/** Of the path's parameters, as the router checks them. */
export function parametersSchema(path: string) {
  return Struct(Object.fromEntries(parametersOf(path).map((name) => [name, pathText])))
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

/** Kafka's own default: 24 hours. */
const defaultDeleteRetentionMs = 86_400_000

/** How long a compacted topic keeps tombstones at least. */
export function deleteRetentionMs(topic: TopicSpec): number {
  const configured = Number(topic.config['delete.retention.ms'])
  return Number.isFinite(configured) ? configured : defaultDeleteRetentionMs
}
