/**
 * TxnOffsetCommit (key 28), versions 0 to 4: offsets that count from the transaction's commit marker on. From version
 * 3 with the member's generation, so that a member that lost its partitions is refused (KIP-447).
 * Difference from Apache Kafka: version 5 (KIP-890) is not served; AddOffsetsToTxn must have come first.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_TxnOffsetCommit
 */
import { apis, errors } from '@streampay/kafka/wire'
import { OFFSETS_TOPIC } from '../coordinators/groups.ts'
import { clientOf, defineHandler } from './api.ts'
import { acceptedCommits } from './offset-commit.ts'

export const txnOffsetCommit = defineHandler(apis.txnOffsetCommit, async (request, { connection, broker }) => {
  const { groupId, generationId: generation, memberId, groupInstanceId: instanceId } = request
  const client = clientOf(connection)
  const { accepted, codes } = acceptedCommits(request.topics, broker)
  let refused = broker.groups.checkCommit(
    groupId,
    { memberId, instanceId, generation },
    { transactional: true, client },
  )
  if (refused === errors.NONE) {
    refused = broker.transactions.checkProduce({ ...request, topic: OFFSETS_TOPIC, partition: 0 })
  }
  if (refused === errors.NONE) {
    refused = await broker.groups.commitInTransaction(groupId, accepted, { producer: request, client })
  }
  return { topics: codes(refused) }
})
