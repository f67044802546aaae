/**
 * ConsumerGroupHeartbeat (key 68), versions 0 to 1: `group.protocol=consumer` is told that it isn't there, as Kafka does
 * where `group.version` is 0; members use the classic protocol.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ConsumerGroupHeartbeat
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const consumerGroupHeartbeat = defineHandler(apis.consumerGroupHeartbeat, () => ({
  errorCode: errors.UNSUPPORTED_VERSION,
  errorMessage: 'The consumer group protocol (KIP-848) is not served here: set group.protocol=classic',
}))
