/**
 * CreateDelegationToken (key 38), versions 1 to 3: tokens need a listener with TLS or SASL and a secret, which this broker does not
 * have; it answers as Kafka does on a plaintext listener.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_CreateDelegationToken
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const createDelegationToken = defineHandler(apis.createDelegationToken, () => ({
  errorCode: errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
}))
