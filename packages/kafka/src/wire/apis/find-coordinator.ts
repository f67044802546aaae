/**
 * FindCoordinator (key 10), versions 0 to 6, flexible from 3.
 * Key types: 0 group, 1 transaction (from version 1), 2 share group (6). From version 4 on a request may have many keys.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_FindCoordinator
 */
import { defineApi } from '../api.ts'
import { array, int8, int16, int32, list, nullableString, string } from '../layout.ts'

export const findCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  minVersion: 0,
  maxVersion: 6,
  firstFlexible: 3,
  request: {
    key: string({ until: 3 }),
    keyType: int8({ since: 1 }),
    coordinatorKeys: list(string(), { since: 4 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16({ until: 3 }),
    errorMessage: nullableString({ since: 1, until: 3 }),
    nodeId: int32({ until: 3 }),
    host: string({ until: 3 }),
    port: int32({ until: 3 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: nullableString({}),
      },
      { since: 4 },
    ),
  },
})
