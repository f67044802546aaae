/**
 * DescribeClientQuotas (key 48), versions 0 and 1: this broker has no quotas.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeClientQuotas
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const describeClientQuotas = defineHandler(apis.describeClientQuotas, () => ({
  errorCode: errors.NONE,
  errorMessage: null,
  entries: [],
}))
