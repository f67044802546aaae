/**
 * SaslAuthenticate (key 36), versions 0 to 2: one token of the exchange that SaslHandshake began.
 * A wrong password delays the next attempt from its address (`server/login-pace.ts`).
 * Difference from Apache Kafka: sessions don't expire (KIP-368), so the session lifetime is 0.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_SaslAuthenticate
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const saslAuthenticate = defineHandler(apis.saslAuthenticate, async ({ authBytes }, { connection }) => {
  if (connection.sasl.state !== 'exchanging') {
    return {
      errorCode: errors.ILLEGAL_SASL_STATE,
      errorMessage: 'SaslHandshake comes first',
      authBytes: Buffer.alloc(0),
    }
  }
  const step = await connection.sasl.step(authBytes)
  if (step.ok) return { errorCode: errors.NONE, errorMessage: null, authBytes: step.token }
  return {
    errorCode: errors.SASL_AUTHENTICATION_FAILED,
    errorMessage: `Authentication failed: ${step.reason}`,
    authBytes: Buffer.alloc(0),
  }
})
