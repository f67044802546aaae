/**
 * ApiVersions (key 18), versions 0 to 4. `server/dispatch.ts` answers an unknown version itself.
 * Of Apache Kafka's features it has `transaction.version` 2 (KIP-890), which is always on. It has no `group.version`, so clients use
 * the classic group protocol.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ApiVersions
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const apiVersions = defineHandler(apis.apiVersions, (_request, { broker }) => ({
  errorCode: errors.NONE,
  apiKeys: broker.served.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion })),
  supportedFeatures: [{ name: transactionVersion, minVersion: 0, maxVersion: 2 }],
  finalizedFeaturesEpoch: 0,
  finalizedFeatures: [{ name: transactionVersion, minVersionLevel: 2, maxVersionLevel: 2 }],
}))

const transactionVersion = 'transaction.version'
