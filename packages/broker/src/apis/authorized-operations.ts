/** Bits of Kafka's operations (AclOperation) for a topic and for the cluster: the broker allows all of them. */
export const allTopicOperations = 0b1101_1111_1000
export const allClusterOperations = 0b1_1111_1010_0000
/** The value in a response if the client did not ask for the operations. */
export const operationsNotAsked = -2147483648
