/** How large partitions are on disk (DescribeLogDirs, KIP-113). */
import type { ReplicaSize } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { check, retry } from '../retry.ts'
import { apis } from '../wire/index.ts'

const TIMEOUT_MS = 15_000

/** The sizes of all replicas on all brokers. A replica that is being moved counts at its source, not at its target. */
export async function replicaSizes(cluster: Cluster): Promise<ReplicaSize[]> {
  const what = 'asking for the sizes of partitions'
  return await retry({ timing: cluster, timeoutMs: TIMEOUT_MS, what }, async () => {
    const nodes = await cluster.nodes()
    const answers = await Promise.all(nodes.map((nodeId) => sizesOf(cluster, nodeId, what)))
    return answers.flat()
  })
}

async function sizesOf(cluster: Cluster, node: number, what: string): Promise<ReplicaSize[]> {
  const answer = await cluster.broker(node, apis.describeLogDirs, { topics: null })
  check(answer.errorCode, what)
  for (const { errorCode, logDir } of answer.results) check(errorCode, `${what} in ${logDir}`)
  return answer.results.flatMap(({ topics }) =>
    topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ isFutureKey }) => !isFutureKey)
        .map(({ partitionIndex, partitionSize }) => ({
          topic: name,
          partition: partitionIndex,
          node,
          bytes: partitionSize,
        })),
    ),
  )
}
