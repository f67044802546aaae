/**
 * ApiVersions (key 18), versions 0 to 4, flexible from 3.
 * The response's header is always version 0, and a broker that doesn't know the requested version answers error 35 in a
 * version 0 body, because the client doesn't know the broker's versions before it has read the response.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ApiVersions
 */
import { defineApi } from '../api.ts'
import { array, bool, int16, int32, int64, string } from '../layout.ts'

export const apiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  minVersion: 0,
  maxVersion: 4,
  firstFlexible: 3,
  request: {
    clientSoftwareName: string({ since: 3 }),
    clientSoftwareVersion: string({ since: 3 }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ since: 1 }),
    supportedFeatures: array({ name: string(), minVersion: int16(), maxVersion: int16() }, { since: 3, tag: 0 }),
    finalizedFeaturesEpoch: int64({ since: 3, tag: 1, default: -1 }),
    finalizedFeatures: array(
      { name: string(), maxVersionLevel: int16(), minVersionLevel: int16() },
      { since: 3, tag: 2 },
    ),
    zkMigrationReady: bool({ since: 3, tag: 3 }),
  },
})
