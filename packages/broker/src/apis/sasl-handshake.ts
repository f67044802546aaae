/**
 * SaslHandshake (key 17), versions 0 and 1. After version 0 the tokens come as frames without header.
 * Spec: https://kafka.apache.org/protocol.html#sasl_handshake
 */
import { apis, errors } from '@streampay/kafka/wire'
import { mechanisms } from '../server/scram-store.ts'
import { defineHandler } from './api.ts'

export const saslHandshake = defineHandler(apis.saslHandshake, ({ mechanism }, { apiVersion, connection, broker }) => {
  const offered = broker.config.credentials.length > 0 ? [...mechanisms] : []
  // Sessions don't expire here (KIP-368), so a connection logs in only once: its permissions are those of one user.
  if (connection.sasl.state === 'done') return { errorCode: errors.ILLEGAL_SASL_STATE, mechanisms: offered }
  const begun = connection.sasl.begin(mechanism, apiVersion === 0)
  return { errorCode: begun ? errors.NONE : errors.UNSUPPORTED_SASL_MECHANISM, mechanisms: offered }
})
