/**
 * AlterClientQuotas (key 49), versions 0 to 1: this broker has no quotas, so it refuses each change.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterClientQuotas
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const alterClientQuotas = defineHandler(apis.alterClientQuotas, ({ entries }) => ({
  entries: entries.map(({ entity }) => ({
    errorCode: errors.INVALID_REQUEST,
    errorMessage: 'This broker has no quotas',
    entity,
  })),
}))
