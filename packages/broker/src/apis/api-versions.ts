/**
 * ApiVersions (key 18), versions 0 to 4. An unknown version is answered before it gets here (`server/dispatch.ts`).
 * Difference from Apache Kafka: no features are advertised (no `transaction.version`, no `group.version`), so clients
 * keep to the transactions before KIP-890 and to the classic group protocol.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ApiVersions
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const apiVersions = defineHandler(apis.apiVersions, (_request, { broker }) => ({
  errorCode: errors.NONE,
  apiKeys: broker.served.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion })),
}))
