/**
 * The protocol's error codes, in one table. `retriable` says whether the same request may succeed later, with Kafka's own
 * values; the caller decides whether to retry.
 *
 * Source: https://kafka.apache.org/protocol.html#protocol_error_codes
 */
type Row = readonly [code: number, retriable: boolean, message: string]

const table = {
  UNKNOWN_SERVER_ERROR: [-1, false, 'the server failed unexpectedly'],
  NONE: [0, false, 'no error'],
  OFFSET_OUT_OF_RANGE: [1, false, 'the offset is outside of the range of the log'],
  CORRUPT_MESSAGE: [2, true, 'the record batch is corrupt or its CRC differs'],
  UNKNOWN_TOPIC_OR_PARTITION: [3, true, 'this server has no such topic or partition'],
  INVALID_FETCH_SIZE: [4, false, 'the fetch size is invalid'],
  LEADER_NOT_AVAILABLE: [5, true, 'the partition has no leader yet'],
  NOT_LEADER_OR_FOLLOWER: [6, true, "this server is not the partition's leader"],
  REQUEST_TIMED_OUT: [7, true, 'the request timed out'],
  BROKER_NOT_AVAILABLE: [8, false, 'the broker is not available'],
  REPLICA_NOT_AVAILABLE: [9, true, 'the replica is not available'],
  MESSAGE_TOO_LARGE: [10, false, 'the record batch is larger than the topic allows'],
  OFFSET_METADATA_TOO_LARGE: [12, false, 'the metadata of the committed offset is too large'],
  NETWORK_EXCEPTION: [13, true, 'the connection was lost before a response came'],
  COORDINATOR_LOAD_IN_PROGRESS: [14, true, 'the coordinator is still loading its state'],
  COORDINATOR_NOT_AVAILABLE: [15, true, 'the coordinator is not available'],
  NOT_COORDINATOR: [16, true, 'this server is not the coordinator'],
  INVALID_TOPIC_EXCEPTION: [17, false, 'the topic name is invalid or reserved'],
  RECORD_LIST_TOO_LARGE: [18, false, "the request's record batches exceed the segment size"],
  NOT_ENOUGH_REPLICAS: [19, true, 'fewer replicas are in sync than required'],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [20, true, 'written, but to fewer replicas than required'],
  INVALID_REQUIRED_ACKS: [21, false, 'acks must be -1, 0 or 1'],
  ILLEGAL_GENERATION: [22, false, "the generation is not the group's current one"],
  INCONSISTENT_GROUP_PROTOCOL: [23, false, "the member's protocols don't match those of the group"],
  INVALID_GROUP_ID: [24, false, 'the group id is invalid'],
  UNKNOWN_MEMBER_ID: [25, false, 'this member is not in the group'],
  INVALID_SESSION_TIMEOUT: [26, false, 'the session timeout is outside of the allowed range'],
  REBALANCE_IN_PROGRESS: [27, false, 'the group is rebalancing, rejoin is needed'],
  INVALID_COMMIT_OFFSET_SIZE: [28, false, 'the committed offset data is too large'],
  TOPIC_AUTHORIZATION_FAILED: [29, false, 'not authorized for the topic'],
  GROUP_AUTHORIZATION_FAILED: [30, false, 'not authorized for the group'],
  CLUSTER_AUTHORIZATION_FAILED: [31, false, 'not authorized for the cluster'],
  INVALID_TIMESTAMP: [32, false, "the record's timestamp is out of the acceptable range"],
  UNSUPPORTED_SASL_MECHANISM: [33, false, 'the SASL mechanism is not enabled'],
  ILLEGAL_SASL_STATE: [34, false, 'the request is not valid in this state of authentication'],
  UNSUPPORTED_VERSION: [35, false, 'this version of the API is not supported'],
  TOPIC_ALREADY_EXISTS: [36, false, 'a topic of this name exists already'],
  INVALID_PARTITIONS: [37, false, 'the number of partitions is invalid'],
  INVALID_REPLICATION_FACTOR: [38, false, 'the replication factor is invalid'],
  INVALID_REPLICA_ASSIGNMENT: [39, false, 'the replica assignment is invalid'],
  INVALID_CONFIG: [40, false, 'the configuration is invalid'],
  NOT_CONTROLLER: [41, true, 'this server is not the controller'],
  INVALID_REQUEST: [42, false, 'the request is invalid'],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, false, "the message format doesn't support this"],
  POLICY_VIOLATION: [44, false, 'a policy forbids this'],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [45, false, 'the sequence number is not the next one'],
  DUPLICATE_SEQUENCE_NUMBER: [46, false, 'the sequence number was written already'],
  INVALID_PRODUCER_EPOCH: [47, false, "the producer's epoch is older than the current one"],
  INVALID_TXN_STATE: [48, false, "the transaction's state doesn't allow this"],
  INVALID_PRODUCER_ID_MAPPING: [49, false, "the producer id doesn't belong to this transactional.id"],
  INVALID_TRANSACTION_TIMEOUT: [50, false, 'the transaction timeout exceeds the allowed maximum'],
  CONCURRENT_TRANSACTIONS: [51, true, 'the previous transaction is still being completed'],
  TRANSACTION_COORDINATOR_FENCED: [52, false, 'the transaction coordinator was fenced'],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [53, false, 'not authorized for the transactional.id'],
  SECURITY_DISABLED: [54, false, 'security features are disabled'],
  OPERATION_NOT_ATTEMPTED: [55, false, 'not attempted, since another part of the request failed'],
  KAFKA_STORAGE_ERROR: [56, true, "the log can't be read or written"],
  LOG_DIR_NOT_FOUND: [57, false, 'the log directory is unknown'],
  SASL_AUTHENTICATION_FAILED: [58, false, 'the credentials are wrong'],
  UNKNOWN_PRODUCER_ID: [59, false, 'the log has no state of this producer any more'],
  REASSIGNMENT_IN_PROGRESS: [60, false, 'partitions are being reassigned'],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, false, 'delegation tokens are disabled'],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [64, false, 'delegation tokens are not issued over such a connection'],
  NON_EMPTY_GROUP: [68, false, 'the group has members'],
  GROUP_ID_NOT_FOUND: [69, false, 'the group does not exist'],
  FETCH_SESSION_ID_NOT_FOUND: [70, true, 'the fetch session is unknown'],
  INVALID_FETCH_SESSION_EPOCH: [71, true, "the fetch session's epoch is not the next one"],
  LISTENER_NOT_FOUND: [72, true, 'the leader has no matching listener'],
  TOPIC_DELETION_DISABLED: [73, false, 'topic deletion is disabled'],
  FENCED_LEADER_EPOCH: [74, true, 'the leader epoch is older than the current one'],
  UNKNOWN_LEADER_EPOCH: [75, true, 'the leader epoch is newer than the current one'],
  UNSUPPORTED_COMPRESSION_TYPE: [76, false, 'the compression type is not supported'],
  STALE_BROKER_EPOCH: [77, false, 'the broker epoch is stale'],
  OFFSET_NOT_AVAILABLE: [78, true, "the end offset isn't known yet"],
  MEMBER_ID_REQUIRED: [79, false, 'the member must join again with the id that it was given'],
  PREFERRED_LEADER_NOT_AVAILABLE: [80, true, 'the preferred leader is not available'],
  GROUP_MAX_SIZE_REACHED: [81, false, 'the group has reached its maximum of members'],
  FENCED_INSTANCE_ID: [82, false, 'another member took over this group.instance.id'],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, true, 'no eligible leader is available'],
  ELECTION_NOT_NEEDED: [84, true, "the leader needn't be elected"],
  NO_REASSIGNMENT_IN_PROGRESS: [85, false, 'no reassignment is in progress'],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, false, 'deleting offsets of a topic that the group is subscribed to is forbidden'],
  INVALID_RECORD: [87, false, 'a record failed the checks of its topic'],
  UNSTABLE_OFFSET_COMMIT: [88, true, 'an open transaction may still move the offset'],
  THROTTLING_QUOTA_EXCEEDED: [89, true, 'the quota is exceeded'],
  PRODUCER_FENCED: [90, false, 'a newer producer took over this transactional.id'],
  RESOURCE_NOT_FOUND: [91, false, 'the resource does not exist'],
  DUPLICATE_RESOURCE: [92, false, 'the resource exists already'],
  UNACCEPTABLE_CREDENTIAL: [93, false, "the credential doesn't meet the requirements"],
  INVALID_UPDATE_VERSION: [95, false, 'the update version is invalid'],
  FEATURE_UPDATE_FAILED: [96, false, 'the feature could not be updated'],
  UNKNOWN_TOPIC_ID: [100, true, 'this server has no topic of this id'],
  INCONSISTENT_TOPIC_ID: [103, true, 'the topic id differs from that of the log'],
  INCONSISTENT_CLUSTER_ID: [104, false, 'the cluster id differs'],
  TRANSACTIONAL_ID_NOT_FOUND: [105, false, 'the transactional.id is unknown'],
  FETCH_SESSION_TOPIC_ID_ERROR: [106, true, 'the fetch session mixes topic ids and names'],
  FENCED_MEMBER_EPOCH: [110, false, "the member's epoch is fenced by the group coordinator"],
  UNRELEASED_INSTANCE_ID: [111, false, 'the group.instance.id is still used by another member'],
  UNSUPPORTED_ASSIGNOR: [112, false, 'the assignor is not supported'],
  STALE_MEMBER_EPOCH: [113, false, "the member's epoch is stale"],
  TRANSACTION_ABORTABLE: [120, false, 'the transaction can only be aborted'],
} as const satisfies Readonly<Record<string, Row>>

/** The protocol's name of an error, such as NOT_COORDINATOR. */
export type ErrorName = keyof typeof table
/** An error of the protocol: its number, its name, whether the same request may succeed later, and its meaning. */
export type ErrorInfo = {
  /** The protocol's number, -1 for an unknown server error. */
  readonly code: number
  readonly name: ErrorName
  /** Whether the same request may succeed later. */
  readonly retriable: boolean
  /** The meaning in words, without a full stop. */
  readonly message: string
}

const names = Object.keys(table) as ErrorName[]

/** Code by name: `errors.NOT_COORDINATOR` is 16. */
export const errors = Object.fromEntries(names.map((name) => [name, table[name][0]])) as {
  readonly [N in ErrorName]: (typeof table)[N][0]
}

const byCode = new Map<number, ErrorInfo>(
  names.map((name) => {
    const [code, retriable, message] = table[name]
    return [code, { code, name, retriable, message }]
  }),
)

/** A code that is not in the table (a newer server's) becomes an UNKNOWN_SERVER_ERROR with the code in its message. */
export function errorByCode(code: number): ErrorInfo {
  const known = byCode.get(code)
  if (known) return known
  return { code, name: 'UNKNOWN_SERVER_ERROR', retriable: false, message: `error code ${code}` }
}
