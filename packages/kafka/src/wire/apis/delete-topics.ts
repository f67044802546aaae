/**
 * DeleteTopics (key 20), versions 0 to 6, flexible from 4.
 * Up to version 5 topics are given by `topicNames`, from 6 on by `topics` with a name or an id.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DeleteTopics
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, list, nullableString, string, uuid } from '../layout.ts'

export const deleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  minVersion: 0,
  maxVersion: 6,
  firstFlexible: 4,
  request: {
    topics: array({ name: nullableString({}), topicId: uuid({}) }, { since: 6 }),
    topicNames: list(string(), { until: 5 }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    responses: array({
      name: nullableString({}),
      topicId: uuid({ since: 6 }),
      errorCode: int16(),
      errorMessage: nullableString({ since: 5 }),
    }),
  },
})
