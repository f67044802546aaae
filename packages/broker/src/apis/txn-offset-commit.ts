/**
 * TxnOffsetCommit (key 28), versions 0 to 5: commits offsets that take effect with the transaction's commit marker. From version
 * 3 on it has the member's generation, so that a member that lost its partitions is refused (KIP-447). Before version 5 AddOffsetsToTxn
 * must come first; from version 5 on the request itself adds the group to the transaction (KIP-890).
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_TxnOffsetCommit
 */
import { apis, errors } from '@streampay/kafka/wire'
import { OFFSETS_TOPIC } from '../coordinators/groups.ts'
import { clientOf, defineHandler } from './api.ts'
import { acceptedCommits } from './offset-commit.ts'

const firstVersionThatJoins = 5
const offsets = { topic: OFFSETS_TOPIC, partition: 0 }

export const txnOffsetCommit = defineHandler(
  apis.txnOffsetCommit,
  async (request, { apiVersion, connection, broker }) => {
    const { groupId, generationId: generation, memberId, groupInstanceId: instanceId } = request
    const client = clientOf(connection)
    const { accepted, codes } = acceptedCommits(request.topics, broker)
    let refused = broker.groups.checkCommit(
      groupId,
      { memberId, instanceId, generation },
      { transactional: true, client },
    )
    const commit = async () => {
      refused = broker.transactions.checkProduce({ ...request, ...offsets })
      if (refused !== errors.NONE) return
      refused = await broker.groups.commitInTransaction(groupId, accepted, { producer: request, client })
    }
    if (refused === errors.NONE && apiVersion >= firstVersionThatJoins) {
      const notJoined = await broker.transactions.join(request, [offsets], commit)
      if (notJoined !== errors.NONE) refused = notJoined
    } else if (refused === errors.NONE) await commit()
    return { topics: codes(refused) }
  },
)
