/**
 * CreateAcls (key 30), versions 1 to 3: there is no authorization, which is said as a broker without an
 * authorizer says it.
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
