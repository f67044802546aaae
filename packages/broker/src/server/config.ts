/** The configuration of a broker, and its defaults. */

/** A user who may log in, by PLAIN or SCRAM (RFC 4616, RFC 5802), and the password. */
export type SaslCredential = {
  /** Compared as it is: case counts, and nothing is normalized (no SASLprep, RFC 4013). */
  readonly username: string
  /** In plain text. */
  readonly password: string
}

/** The configuration of a broker. Kafka's names for the same settings are in brackets; `defaultConfig` has the defaults. */
export type BrokerConfig = {
  /** The size of a request; a larger frame closes its connection before it is read. */
  readonly maxFrameBytes: number
  /** The same before a login, if there are credentials. */
  readonly maxFrameBytesBeforeLogin: number
  /** Open requests of one connection; at this number the socket is not read any further. */
  readonly maxRequestsInFlight: number
  /** Bytes of one connection's open requests, and of answers that wait for earlier ones; at this size the socket is not read either. */
  readonly maxBytesInFlight: number
  /** Connections from all addresses (`max.connections`); fewer if the process may open fewer files. */
  readonly maxConnections: number
  /** Connections from one address. All clients of this machine may share one, so it is not much less than the limit of all. */
  readonly maxConnectionsPerIp: number
  /** Closes a connection whose first request takes longer than this. */
  readonly firstRequestTimeoutMs: number
  /** Closes a connection whose login takes longer than this, if there are credentials. */
  readonly loginTimeoutMs: number
  /** Closes a connection if a request that has begun takes longer than this to arrive. */
  readonly frameTimeoutMs: number
  /** Closes a connection if its client takes no byte of waiting answers for this time. */
  readonly writeTimeoutMs: number
  /** Closes a connection without any traffic for this time (`connections.max.idle.ms`). */
  readonly connectionsMaxIdleMs: number
  /** How long the first member of a new group waits for others. */
  readonly groupInitialRebalanceDelayMs: number
  /** The shortest session timeout of a member (`group.min.session.timeout.ms`); a shorter one gets INVALID_SESSION_TIMEOUT. */
  readonly groupMinSessionTimeoutMs: number
  /** The longest session timeout of a member (`group.max.session.timeout.ms`); a longer one gets INVALID_SESSION_TIMEOUT. */
  readonly groupMaxSessionTimeoutMs: number
  /** The members of one group (`group.max.size`); further ones are refused with GROUP_MAX_SIZE_REACHED. */
  readonly groupMaxMembers: number
  /** The groups of all clients; a request for a further one is refused with COORDINATOR_NOT_AVAILABLE. */
  readonly maxGroups: number
  /** The new groups of one user (or address, if there are no users) since the start of the broker. */
  readonly maxGroupsPerClient: number
  /** The size of the metadata of all protocols that a member offers. */
  readonly groupMemberMaxBytes: number
  /** A group without members, and its offsets, are deleted when both are older than this. */
  readonly offsetsRetentionMs: number
  /** The length of a committed offset's text (`offset.metadata.max.bytes`); a longer one gets OFFSET_METADATA_TOO_LARGE. */
  readonly offsetMetadataMaxBytes: number
  /** The longest timeout of a transaction (`transaction.max.timeout.ms`); a longer one gets INVALID_TRANSACTION_TIMEOUT. */
  readonly transactionMaxTimeoutMs: number
  /** A transactional.id without a transaction is deleted after this time. */
  readonly transactionalIdExpirationMs: number
  /** The transactional ids of all clients; a further one is refused with COORDINATOR_NOT_AVAILABLE. */
  readonly maxTransactionalIds: number
  /** The new transactional ids of one user (or address, if there are no users) since the start of the broker. */
  readonly maxTransactionalIdsPerClient: number
  /** Whether Metadata creates topics that don't exist. */
  readonly autoCreateTopics: boolean
  /** For topics without a number of partitions. */
  readonly defaultPartitions: number
  /** Without credentials there is no authentication. */
  readonly credentials: readonly SaslCredential[]
}

/** The values that apply unless `config` of BrokerOptions sets others. */
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
