/** What can be set on a broker, beside its defaults. */

export type SaslCredential = { readonly username: string; readonly password: string }

export type BrokerConfig = {
  /** A larger frame closes its connection before it is read. */
  readonly maxFrameBytes: number
  /** Requests of one connection that may be unanswered; then the socket is not read any further. */
  readonly maxRequestsInFlight: number
  /** Bytes of one connection's unanswered requests, and of answers that wait for those before them; then likewise. */
  readonly maxBytesInFlight: number
  readonly maxConnections: number
  /** How long the first member of a new group waits for others. */
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupMaxMembers: number
  readonly offsetMetadataMaxBytes: number
  readonly transactionMaxTimeoutMs: number
  /** Whether Metadata and Produce make topics that don't exist. */
  readonly autoCreateTopics: boolean
  /** For topics that don't say how many they want. */
  readonly defaultPartitions: number
  /** Without credentials there is no authentication. */
  readonly credentials: readonly SaslCredential[]
}

export const defaultConfig: BrokerConfig = {
  maxFrameBytes: 100 * 1024 * 1024,
  maxRequestsInFlight: 256,
  maxBytesInFlight: 32 * 1024 * 1024,
  maxConnections: 1000,
  groupInitialRebalanceDelayMs: 0,
  groupMinSessionTimeoutMs: 1000,
  groupMaxSessionTimeoutMs: 30 * 60 * 1000,
  groupMaxMembers: 1000,
  offsetMetadataMaxBytes: 4096,
  transactionMaxTimeoutMs: 15 * 60 * 1000,
  autoCreateTopics: false,
  defaultPartitions: 1,
  credentials: [],
}
