/** Payments and statistics as they run, in this process, on the log of a test. */
import { applicationIds, topicNames } from '@streampay/domain'
import { ensureTopics, paymentsTopology, statisticsTopology } from '@streampay/payments'
import { runTopology } from '@streampay/streams'
import { pino } from 'pino'
import { expect } from 'vitest'
import type { TestLog } from '../../../../packages/gateway/test/support/test-log.ts'

export async function openPayments({ cluster, admin }: TestLog) {
  await ensureTopics(cluster, { replicationFactor: 1 })
  const logger = pino({ level: 'silent' })
  const running = [paymentsTopology(), statisticsTopology()].map((topology) =>
    runTopology(topology, { cluster, slot: 0, logger }),
  )
  await Promise.all(running.map(({ ready }) => ready))

  /** Whether statistics have read all records of a topic so far. */
  const isCounted = async (topic: string) => {
    const partitions = [0, 1, 2, 3].map((partition) => ({ topic, partition }))
    const ends = await admin.listOffsets(partitions, 'latest', 'read_committed')
    const read = await admin.committedOffsets(applicationIds.statistics, partitions, { requireStable: true })
    const offsets = new Map(read.map(({ partition, offset }) => [partition, offset]))
    return ends.every(({ partition, offset }) => (offsets.get(partition) ?? 0) >= offset)
  }
  return {
    /** Resolves when statistics have written everything that follows from the records so far. */
    counted: () =>
      expect
        .poll(async () => [await isCounted(topicNames.transactions), await isCounted(topicNames.paymentRequests)], {
          timeout: 20_000,
        })
        .toEqual([true, true]),
    close: () => Promise.all(running.map((topology) => topology.close())),
  }
}
