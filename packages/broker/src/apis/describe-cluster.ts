/**
 * DescribeCluster (key 60), versions 0 to 2: one broker, which is its own controller.
 * Difference from Apache Kafka: controllers (endpoint type 2) have no endpoint of their own and are refused.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeCluster
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

const BROKERS = 1

export const describeCluster = defineHandler(apis.describeCluster, ({ endpointType }, { broker }) => {
  const { clusterId, nodeId, host, port } = broker
  if (endpointType !== BROKERS) {
    const errorMessage = 'there are no controllers apart from the broker'
    return { errorCode: errors.INVALID_REQUEST, errorMessage, endpointType, clusterId, brokers: [] }
  }
  return {
    errorCode: errors.NONE,
    errorMessage: null,
    endpointType,
    clusterId,
    controllerId: nodeId,
    brokers: [{ brokerId: nodeId, host, port }],
  }
})
