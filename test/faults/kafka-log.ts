/** A log of one or three nodes of Apache Kafka. */
import { join } from 'node:path'
import { type Cluster, openAdmin, openCluster } from '@streampay/kafka'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'
import type { FaultyLog, Places } from './faulty-log.ts'
import { type FaultProxy, openProxy } from './proxy.ts'

const pollEveryMs = 500
const internalTopics = ['__consumer_offsets', '__transaction_state']

/** The acknowledgement of one node is not enough where nodes are killed. */
const replicated = { 'min.insync.replicas': '2', 'default.replication.factor': '3' }

export async function openKafka(
  { folder }: Places,
  { nodes, version }: { readonly nodes: 1 | 3; readonly version: string },
): Promise<FaultyLog> {
  const proxies: FaultProxy[] = []
  const kafka = await startApacheKafka({
    version,
    nodes,
    folder: join(folder, 'kafka'),
    proxied: async (port, node) => {
      const proxy = await openProxy(port)
      proxies[node] = proxy
      return proxy.port
    },
    settings: nodes === 3 ? replicated : {},
  })
  const all = Array.from({ length: nodes }, (_, node) => node)
  return {
    brokers: kafka.brokers,
    proxies,
    replicationFactor: nodes === 3 ? 3 : undefined,
    kill: (node) => kafka.stop({ node, signal: 'SIGKILL' }),
    start: (node) => kafka.start({ node }),
    pause: (node) => signal(kafka, node, 'SIGSTOP'),
    resume: (node) => signal(kafka, node, 'SIGCONT'),
    disk: undefined,
    serving: async (timeoutMs) => {
      await Promise.all(all.map((node) => kafka.start({ node })))
      if (nodes > 1) await allInSync(kafka.brokers, nodes, timeoutMs)
    },
    pids: () =>
      all.flatMap((node) => {
        const pid = kafka.pidOf(node)
        return pid === undefined ? [] : [[`kafka-${node + 1}`, pid] as const]
      }),
    destroy: () => {
      for (const node of all) signal(kafka, node, 'SIGKILL')
    },
    close: async () => {
      await kafka.close()
      await Promise.all(proxies.map((proxy) => proxy.close()))
    },
  }
}

/** Every replica of every partition, the log's own topics included, has caught up: another node may be killed. */
async function allInSync(brokers: readonly string[], nodes: number, timeoutMs: number): Promise<void> {
  const cluster = openCluster({ brokers, clientId: 'fault-harness' })
  const deadline = Date.now() + timeoutMs
  try {
    for (;;) {
      const behind = await partitionsBehind(cluster, nodes).catch((error: unknown) => String(error))
      if (behind === '') return
      if (Date.now() > deadline) throw new Error(`not all replicas are in sync after ${timeoutMs} ms: ${behind}`)
      await new Promise((resolve) => setTimeout(resolve, pollEveryMs))
    }
  } finally {
    await cluster.close()
  }
}

async function partitionsBehind(cluster: Cluster, nodes: number): Promise<string> {
  const admin = openAdmin(cluster)
  const topics = await admin.describeTopics([...(await admin.listTopics()), ...internalTopics])
  return topics
    .flatMap(({ name, partitions }) =>
      partitions
        .filter(({ inSyncReplicas }) => inSyncReplicas.length < nodes)
        .map(({ partition, inSyncReplicas }) => `${name}-${partition} has ${inSyncReplicas.join(' ')}`),
    )
    .join(', ')
}

function signal(kafka: ApacheKafka, node: number, name: NodeJS.Signals): void {
  const pid = kafka.pidOf(node)
  if (pid !== undefined) process.kill(pid, name)
}
