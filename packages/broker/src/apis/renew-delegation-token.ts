/**
 * RenewDelegationToken (key 39), versions 1 to 2: tokens need a listener with TLS or SASL and a secret, which this broker does not
 * have; it answers as Kafka does on a plaintext listener.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_RenewDelegationToken
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const renewDelegationToken = defineHandler(apis.renewDelegationToken, () => ({
  errorCode: errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
}))
