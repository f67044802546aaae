/** The log of a run: its nodes, which can be killed and paused, and a proxy in front of each. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, openAdmin, openCluster } from '@streampay/kafka'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'
import { freePorts } from '../support/free-ports.ts'
import { type DiskFault, endDiskFault, orderDiskFault } from './disk-faults.ts'
import { KeptProcess, type KeptProcessOptions } from './kept-process.ts'
import { type FaultProxy, openProxy } from './proxy.ts'

export const logNames = ['embedded', 'kafka', 'kafka3', 'kafka39'] as const
export type LogName = (typeof logNames)[number]

export type FaultyLog = {
  /** The addresses for clients: those of the proxies. */
  readonly brokers: readonly string[]
  readonly proxies: readonly FaultProxy[]
  /** The replication of topics that are created; undefined leaves it to the log. */
  readonly replicationFactor: number | undefined
  /** SIGKILL; the node stays down until it is started. */
  kill(node: number): Promise<void>
  /** Resolves when it serves. */
  start(node: number): Promise<void>
  pause(node: number): void
  resume(node: number): void
  readonly disk: FaultyLogDisk | undefined
  /** Resolves when every node runs by itself again, without any fault. */
  serving(timeoutMs: number): Promise<void>
  /** The running processes by name. */
  pids(): readonly (readonly [name: string, pid: number])[]
  /** Ends everything at once, for an exit that can't wait. */
  destroy(): void
  close(): Promise<void>
}

/** Orders a fault of the embedded broker's disk: it fails, and the broker is started again as often as it ends. */
export type FaultyLogDisk = {
  order(fault: DiskFault): void
  /** Resolves when the broker has ended because of the order. @throws Error if it has not within the time */
  met(timeoutMs: number): Promise<void>
  end(): void
}

type Places = { readonly folder: string; readonly logs: string }

export function openFaultyLog(
  name: LogName,
  places: Places,
  onOwnExit: KeptProcessOptions['onOwnExit'],
): Promise<FaultyLog> {
  switch (name) {
    case 'embedded':
      return openEmbedded(places, onOwnExit)
    case 'kafka':
      // From 4.1 to 4.3 a single node may lose markers (KAFKA-20734, docs/reliability.md): this is the newest version before.
      return openKafka(places, { nodes: 1, version: '4.0.1' })
    case 'kafka3':
      return openKafka(places, { nodes: 3, version: '4.3.1' })
    case 'kafka39':
      return openKafka(places, { nodes: 1, version: '3.9.2' })
  }
}

async function openEmbedded({ folder, logs }: Places, onOwnExit: KeptProcessOptions['onOwnExit']): Promise<FaultyLog> {
  const [port = 0] = await freePorts(1)
  const proxy = await openProxy(port)
  const orders = join(folder, 'disk-fault.json')
  const address = `127.0.0.1:${proxy.port}`
  const broker = new KeptProcess({
    definition: {
      name: 'broker',
      stage: 1,
      main: join(import.meta.dirname, 'faulty-broker-main.ts'),
      env: {
        BROKER_PORT: String(port),
        BROKER_DATA_DIR: join(folder, 'broker'),
        BROKER_ADVERTISED_ADDRESS: address,
        FAULTY_DISK_FILE: orders,
      },
      nodeFlags: ['--max-semi-space-size=4'],
    },
    logFile: join(logs, 'broker.log'),
    env: process.env,
    onOwnExit,
  })
  broker.start()
  await broker.ready(startTimeoutMs)
  return {
    brokers: [address],
    proxies: [proxy],
    replicationFactor: undefined,
    kill: () => broker.hold(),
    start: async () => {
      broker.start()
      await broker.ready(startTimeoutMs)
    },
    pause: () => broker.pause(),
    resume: () => broker.resume(),
    disk: diskOf(broker, orders),
    serving: (timeoutMs) => broker.ready(timeoutMs),
    pids: () => (broker.pid === undefined ? [] : [['broker', broker.pid]]),
    destroy: () => broker.destroy(),
    close: async () => {
      await broker.stop()
      broker.closeLog()
      await proxy.close()
    },
  }
}

function diskOf(broker: KeptProcess, orders: string): FaultyLogDisk {
  let ordered: DiskFault | undefined
  let exitsBefore = 0
  return {
    order(fault) {
      ordered = fault
      exitsBefore = broker.ownExits
      orderDiskFault(orders, fault)
      broker.signal('SIGUSR2')
    },
    async met(timeoutMs) {
      const deadline = Date.now() + timeoutMs
      const isMet = () => broker.ownExits > exitsBefore && (ordered?.kind === 'full-disk' || !existsSync(orders))
      while (!isMet()) {
        if (Date.now() > deadline) throw new Error(`the broker did not end by ${ordered?.kind} in ${timeoutMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, pollDiskEveryMs))
      }
    },
    end: () => endDiskFault(orders),
  }
}

const startTimeoutMs = 90_000
const pollDiskEveryMs = 20
const pollEveryMs = 500
const internalTopics = ['__consumer_offsets', '__transaction_state']

/** The acknowledgement of one node is not enough where nodes are killed. */
const replicated = { 'min.insync.replicas': '2', 'default.replication.factor': '3' }

async function openKafka(
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
