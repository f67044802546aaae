/**
 * SaslHandshake (key 17), versions 0 and 1. After version 0 the tokens come as bare frames.
 * Spec: https://kafka.apache.org/protocol.html#sasl_handshake
 */
import { apis, errors } from '@streampay/kafka/wire'
import { mechanisms } from '../server/sasl.ts'
import { defineHandler } from './api.ts'

export const saslHandshake = defineHandler(apis.saslHandshake, ({ mechanism }, { apiVersion, connection, broker }) => {
  const offered = broker.config.credentials.length > 0 ? [...mechanisms] : []
  const begun = connection.sasl.begin(mechanism, apiVersion === 0)
  return { errorCode: begun ? errors.NONE : errors.UNSUPPORTED_SASL_MECHANISM, mechanisms: offered }
})
