/** What can be set on a broker, beside its defaults. */

/** A user who may log in, by PLAIN or SCRAM (RFC 4616, RFC 5802), and the password. */
export type SaslCredential = { readonly username: string; readonly password: string }

/** What can be set on a broker. Names that Kafka has for the same are in brackets; `defaultConfig` has the defaults. */
export type BrokerConfig = {
  /** A larger frame closes its connection before it is read. */
  readonly maxFrameBytes: number
  /** The same before a login, where there are credentials. */
  readonly maxFrameBytesBeforeLogin: number
  /** Requests of one connection that may be unanswered; then the socket is not read any further. */
  readonly maxRequestsInFlight: number
  /** Bytes of one connection's unanswered requests, and of answers that wait for those before them; then likewise. */
  readonly maxBytesInFlight: number
  /** Of all addresses (`max.connections`); fewer where the process may open fewer files. */
  readonly maxConnections: number
  /** From one address. All clients of this machine may share one, so it is not much less than all. */
  readonly maxConnectionsPerIp: number
  /** A connection is closed that takes longer than this until its first request is whole, */
  readonly firstRequestTimeoutMs: number
  /** until the login is done, where there are credentials, */
  readonly loginTimeoutMs: number
  /** until a request that has begun is whole, */
  readonly frameTimeoutMs: number
  /** until a client that has answers waiting takes another byte of them, */
  readonly writeTimeoutMs: number
  /** and without any traffic (`connections.max.idle.ms`). */
  readonly connectionsMaxIdleMs: number
  /** How long the first member of a new group waits for others. */
  readonly groupInitialRebalanceDelayMs: number
  /** The shortest session timeout that a member may have (`group.min.session.timeout.ms`), */
  readonly groupMinSessionTimeoutMs: number
  /** and the longest (`group.max.session.timeout.ms`); other members are refused with INVALID_SESSION_TIMEOUT. */
  readonly groupMaxSessionTimeoutMs: number
  /** Of one group (`group.max.size`); further ones are refused with GROUP_MAX_SIZE_REACHED. */
  readonly groupMaxMembers: number
  /** Of all clients; what would make another one is refused with COORDINATOR_NOT_AVAILABLE. */
  readonly maxGroups: number
  /** New ones of one user (or address, where there are no users) since the start of the broker. */
  readonly maxGroupsPerClient: number
  /** Of the metadata of all protocols that a member offers. */
  readonly groupMemberMaxBytes: number
  /** A group without members is forgotten after so long, with offsets that are as old. */
  readonly offsetsRetentionMs: number
  /** Of the text that a committed offset may have (`offset.metadata.max.bytes`); else OFFSET_METADATA_TOO_LARGE. */
  readonly offsetMetadataMaxBytes: number
  /** The longest timeout of a transaction (`transaction.max.timeout.ms`); else INVALID_TRANSACTION_TIMEOUT. */
  readonly transactionMaxTimeoutMs: number
  /** A transactional.id without a transaction is forgotten after so long. */
  readonly transactionalIdExpirationMs: number
  /** Of all clients; a further one is refused with COORDINATOR_NOT_AVAILABLE. */
  readonly maxTransactionalIds: number
  /** New ones for one user (or address, where there are no users) since the start of the broker. */
  readonly maxTransactionalIdsPerClient: number
  /** Whether Metadata makes topics that don't exist. */
  readonly autoCreateTopics: boolean
  /** For topics that don't say how many they want. */
  readonly defaultPartitions: number
  /** Without credentials there is no authentication. */
  readonly credentials: readonly SaslCredential[]
}

/** What holds where `config` of BrokerOptions says nothing else. */
export const defaultConfig: BrokerConfig = {
  maxFrameBytes: 100 * 1024 * 1024,
  maxFrameBytesBeforeLogin: 64 * 1024,
  maxRequestsInFlight: 256,
  maxBytesInFlight: 32 * 1024 * 1024,
  maxConnections: 1000,
  maxConnectionsPerIp: 800,
  firstRequestTimeoutMs: 15_000,
  loginTimeoutMs: 30_000,
  frameTimeoutMs: 30_000,
  writeTimeoutMs: 60_000,
  connectionsMaxIdleMs: 10 * 60 * 1000,
  groupInitialRebalanceDelayMs: 0,
  groupMinSessionTimeoutMs: 1000,
  groupMaxSessionTimeoutMs: 30 * 60 * 1000,
  groupMaxMembers: 1000,
  maxGroups: 100_000,
  maxGroupsPerClient: 20_000,
  groupMemberMaxBytes: 1024 * 1024,
  offsetsRetentionMs: 7 * 24 * 60 * 60 * 1000,
  offsetMetadataMaxBytes: 4096,
  transactionMaxTimeoutMs: 15 * 60 * 1000,
  transactionalIdExpirationMs: 7 * 24 * 60 * 60 * 1000,
  maxTransactionalIds: 100_000,
  maxTransactionalIdsPerClient: 20_000,
  autoCreateTopics: false,
  defaultPartitions: 1,
  credentials: [],
}
