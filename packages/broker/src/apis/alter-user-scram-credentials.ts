/**
 * AlterUserScramCredentials (key 51), version 0: users are set at the start of the broker, so each change is refused.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterUserScramCredentials
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const alterUserScramCredentials = defineHandler(apis.alterUserScramCredentials, (request) => ({
  results: [...request.deletions, ...request.upsertions].map(({ name }) => ({
    user: name,
    errorCode: errors.INVALID_REQUEST,
    errorMessage: 'The users of this broker are configured at its start',
  })),
}))
