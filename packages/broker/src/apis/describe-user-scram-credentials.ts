/**
 * DescribeUserScramCredentials (key 50), version 0: the users of the broker's options. They can't be changed over the
 * wire.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeUserScramCredentials
 */
import { apis, errors } from '@streampay/kafka/wire'
import { SCRAM_ITERATIONS } from '../server/scram-store.ts'
import { defineHandler } from './api.ts'

const SCRAM_SHA_256 = 1
const SCRAM_SHA_512 = 2

export const describeUserScramCredentials = defineHandler(apis.describeUserScramCredentials, (request, { broker }) => {
  const known = broker.config.credentials.map(({ username }) => username)
  const asked = request.users === null || request.users.length === 0 ? known : request.users.map(({ name }) => name)
  return {
    errorCode: errors.NONE,
    errorMessage: null,
    results: asked.map((user) => {
      const missing = !known.includes(user)
      const infos = [SCRAM_SHA_256, SCRAM_SHA_512].map((mechanism) => ({ mechanism, iterations: SCRAM_ITERATIONS }))
      return {
        user,
        errorCode: missing ? errors.RESOURCE_NOT_FOUND : errors.NONE,
        errorMessage: missing ? `there is no user ${user}` : null,
        credentialInfos: missing ? [] : infos,
      }
    }),
  }
})
