/**
 * DescribeCluster (60), versions 0 to 2: one broker, which is the controller too. Controllers cannot be asked for
 * (endpoint type 2), as nobody connects to one.
 * https://kafka.apache.org/protocol#The_Messages_DescribeCluster
 */

import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'
import { allClusterOperations, operationsNotAsked } from './authorized-operations.ts'

const brokerEndpoints = 1

export const describeCluster = defineHandler(apis.describeCluster, (request, { broker }) => {
  const { nodeId, host, port, clusterId } = broker
  if (request.endpointType !== brokerEndpoints) {
    const errorMessage = `Endpoint type ${request.endpointType}: only brokers (1) can be described`
    return { errorCode: errors.INVALID_REQUEST, errorMessage, clusterId: '', brokers: [] }
  }
  return {
    errorCode: errors.NONE,
    errorMessage: null,
    endpointType: brokerEndpoints,
    clusterId,
    controllerId: nodeId,
    brokers: [{ brokerId: nodeId, host, port, rack: null, isFenced: false }],
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? allClusterOperations : operationsNotAsked,
  }
})
