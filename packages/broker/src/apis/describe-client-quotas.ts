/**
 * DescribeClientQuotas (key 48), versions 0 and 1: there are none.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeClientQuotas
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const describeClientQuotas = defineHandler(apis.describeClientQuotas, () => ({
  errorCode: errors.NONE,
  errorMessage: null,
  entries: [],
}))
