import { apis, batchesOf, decodeRecords } from '@streampay/kafka/wire'
import type { WireClient } from './test-broker.ts'

/** The values of a partition as a read_committed consumer sees them: aborted transactions and markers left out. */
export async function committedValues(client: WireClient, topic: string, partition = 0): Promise<string[]> {
  const response = await client.call(
    apis.fetch,
    {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel: 1,
      topics: [{ topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
    },
    12,
  )
  const read = response.responses[0]?.partitions[0]
  if (read?.errorCode !== 0) throw new Error(`fetch of ${topic} failed with ${read?.errorCode}`)
  const aborted = [...(read.abortedTransactions ?? [])].toSorted((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<number>()
  const values: string[] = []
  for (const { header, bytes } of batchesOf(read.records ?? Buffer.alloc(0))) {
    if (header.isControl) {
      aborting.delete(header.producerId)
      continue
    }
    for (const { producerId, firstOffset } of aborted) {
      if (firstOffset === header.baseOffset) aborting.add(producerId)
    }
    if (header.isTransactional && aborting.has(header.producerId)) continue
    values.push(...decodeRecords(bytes).map((one) => String(one.value)))
  }
  return values
}
