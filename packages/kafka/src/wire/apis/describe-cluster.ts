/**
 * DescribeCluster (key 60), versions 0 to 2, flexible from 0.
 * Endpoint types (from version 1): 1 brokers, 2 controllers.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeCluster
 */
import { defineApi } from '../api.ts'
import { array, bool, int8, int16, int32, nullableString, string } from '../layout.ts'

const NOT_ASKED = -2147483648

export const describeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  minVersion: 0,
  maxVersion: 2,
  firstFlexible: 0,
  request: {
    includeClusterAuthorizedOperations: bool({}),
    endpointType: int8({ since: 1, default: 1 }),
    includeFencedBrokers: bool({ since: 2 }),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
    errorMessage: nullableString({}),
    endpointType: int8({ since: 1, default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({}),
      isFenced: bool({ since: 2 }),
    }),
    clusterAuthorizedOperations: int32({ default: NOT_ASKED }),
  },
})
