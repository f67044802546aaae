/** How long commands stay unanswered: sends one to each partition, and waits for all answers. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { applicationIds, topicNames } from '@streampay/domain'
import { type Cluster, openAdmin, openProducer, openReader } from '@streampay/kafka'
import { payRecord } from '../../test/support/pay-record.ts'
import { accountIn } from './large-state.ts'

const partitions = [0, 1, 2, 3]

/** Resolves when every partition has answered. */
export async function untilAnswered(cluster: Cluster): Promise<void> {
  const reader = openReader(cluster, { maxWaitMs: 20 })
  const replies = partitions.map((partition) => ({ topic: topicNames.replies, partition }))
  reader.assign(await openAdmin(cluster).listOffsets(replies, 'latest'))
  const waiting = new Set<string>(partitions.map(() => randomUUID()))
  const producer = openProducer(cluster)
  await producer.send([...waiting].map((id, partition) => command(id, partition)))
  while (waiting.size > 0) {
    for (const { key } of (await reader.poll()).flatMap(({ records }) => records)) waiting.delete(String(key))
  }
  await producer.close()
  await reader.close()
}

function command(id: string, partition: number) {
  return payRecord({ id, payer: accountIn(partition), payee: accountIn((partition + 1) % partitions.length) })
}

/**
 * Resolves when payments has processed all of `users`. A process that is killed before that continues with them after
 * its start, and its first answers wait for them.
 */
export async function untilUsersAreRead(cluster: Cluster): Promise<void> {
  const admin = openAdmin(cluster)
  const [description] = await admin.describeTopics([topicNames.users])
  const users = (description?.partitions ?? []).map(({ partition }) => ({ topic: topicNames.users, partition }))
  const ends = await admin.listOffsets(users, 'latest')
  for (;;) {
    const read = await admin.committedOffsets(applicationIds.payments, users, { requireStable: true })
    if (ends.every((end, index) => (read[index]?.offset ?? -1) >= end.offset)) return
    await delay(200)
  }
}

/** Until no member is left, so that the next measurement begins with an empty group. */
export async function untilGroupIsEmpty(cluster: Cluster): Promise<void> {
  const admin = openAdmin(cluster)
  for (;;) {
    const [group] = await admin.describeGroups([applicationIds.payments])
    if ((group?.members.length ?? 0) === 0) return
    await delay(200)
  }
}
