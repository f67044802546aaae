/**
 * ListPartitionReassignments (key 46), version 0: with one broker, partitions can't be moved.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ListPartitionReassignments
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const listPartitionReassignments = defineHandler(apis.listPartitionReassignments, () => ({
  errorCode: errors.NONE,
  errorMessage: null,
  topics: [],
}))
