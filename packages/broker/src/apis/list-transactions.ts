/**
 * ListTransactions (key 66), versions 0 and 1: filtered by state, producer and (1) by the time since the transaction began.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ListTransactions, KIP-664, KIP-994
 */
import { apis, errors } from '@streampay/kafka/wire'
import { transactionStates } from '../coordinators/transaction.ts'
import { defineHandler } from './api.ts'

export const listTransactions = defineHandler(apis.listTransactions, (request, { broker }) => {
  const { stateFilters, producerIdFilters, durationFilter } = request
  const now = broker.clock.now()
  const wanted = broker.transactions
    .all()
    .filter(({ record }) => stateFilters.length === 0 || stateFilters.includes(record.state))
    .filter(({ record }) => producerIdFilters.length === 0 || producerIdFilters.includes(record.producerId))
    .filter(({ record }) => durationFilter < 0 || (record.startedAt !== -1 && now - record.startedAt > durationFilter))
  return {
    errorCode: errors.NONE,
    unknownStateFilters: stateFilters.filter((state) => !transactionStates.some((known) => known === state)),
    transactionStates: wanted.map(({ id, record }) => ({
      transactionalId: id,
      producerId: record.producerId,
      transactionState: record.state,
    })),
  }
})
