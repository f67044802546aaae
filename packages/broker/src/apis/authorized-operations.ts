/** Bits of the operations that Kafka knows (AclOperation) for a topic and for the cluster: nothing is forbidden here. */
export const allTopicOperations = 0b1101_1111_1000
export const allClusterOperations = 0b1_1111_1010_0000
/** What stands in a response when nobody asked. */
export const operationsNotAsked = -2147483648
