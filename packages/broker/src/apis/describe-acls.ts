/**
 * DescribeAcls (key 29), versions 0 to 3: there is no authorization; the answer is that of a broker without an
 * authorizer.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeAcls
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const describeAcls = defineHandler(apis.describeAcls, () => ({
  errorCode: errors.SECURITY_DISABLED,
  errorMessage: 'No authorizer is configured.',
  resources: [],
}))
