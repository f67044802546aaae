/**
 * The limit to which `restore` is compared: a process that reads the same topics from their beginnings to their ends and does nothing with
 * the records.
 *
 *     read-main.ts <host:port,…> <topic,…>
 */
import { openAdmin, openCluster, openReader } from '@streampay/kafka'

const [, , brokers = '', topics = ''] = process.argv
process.once('disconnect', () => process.exit(0))

const cluster = openCluster({ brokers: brokers.split(','), clientId: 'bench-read' })
await cluster.ready()
const partitions = topics.split(',').flatMap((topic) => [0, 1, 2, 3].map((partition) => ({ topic, partition })))
const ends = await openAdmin(cluster).listOffsets(partitions, 'latest')
const behind = new Map(ends.filter(({ offset }) => offset > 0).map((at) => [`${at.topic}/${at.partition}`, at.offset]))
const reader = openReader(cluster, { maxBytes: 16 * 1024 * 1024, isolation: 'read_committed' })
reader.assign(partitions.map((at) => ({ ...at, offset: 0 })))
let records = 0
while (behind.size > 0) {
  for (const fetched of await reader.poll()) {
    records += fetched.records.length
    const key = `${fetched.topic}/${fetched.partition}`
    if (fetched.position >= (behind.get(key) ?? 0)) behind.delete(key)
  }
}
process.send?.({ type: 'ready', records })
