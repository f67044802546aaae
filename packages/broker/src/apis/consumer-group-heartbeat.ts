/**
 * ConsumerGroupHeartbeat (key 68), versions 0 to 1: for `group.protocol=consumer` it answers that it is not supported, as Kafka does
 * if `group.version` is 0; members use the classic protocol.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ConsumerGroupHeartbeat
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const consumerGroupHeartbeat = defineHandler(apis.consumerGroupHeartbeat, () => ({
  errorCode: errors.UNSUPPORTED_VERSION,
  errorMessage: 'The consumer group protocol (KIP-848) is not served here: set group.protocol=classic',
}))
