/**
 * CreateAcls (key 30), versions 1 to 3: there is no authorization; the answer is that of a broker without an
 * authorizer.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_CreateAcls
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const createAcls = defineHandler(apis.createAcls, ({ creations }) => ({
  results: creations.map(() => ({
    errorCode: errors.SECURITY_DISABLED,
    errorMessage: 'No Authorizer is configured on the broker.',
  })),
}))
