/** How long commands stay unanswered when a payments process is killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { topicNames } from '@streampay/domain'
import { type Cluster, openAdmin, openCluster, openProducer, openReader } from '@streampay/kafka'
import { nodeFlagsOfPayments } from '../../apps/streampay/src/services.ts'
import { payRecord } from '../../test/support/pay-record.ts'
import { accountIn } from './large-state.ts'

const main = fileURLToPath(new URL('../../apps/payments/src/main.ts', import.meta.url))
const partitions = [0, 1, 2, 3]

/** The only process is killed and started again at once: from the kill until every partition answers. */
export async function measureRestart(brokers: string): Promise<{ seconds: number; log: object[] }> {
  const cluster = openCluster({ brokers: brokers.split(','), clientId: 'bench' })
  const first = await startPayments(brokers, { slot: 0 })
  await answers(cluster)
  const at = performance.now()
  await first.kill()
  const second = startPayments(brokers, { slot: 0 })
  await answers(cluster)
  const seconds = secondsSince(at)
  const { kill, restorations } = await second
  await kill()
  await leaveTo(cluster)
  await cluster.close()
  return { seconds, log: restorations() }
}

/** One of two is killed, and the other takes over: from the kill until every partition answers. */
export async function measureTakeover(
  brokers: string,
  { standbys }: { standbys: number },
): Promise<{ seconds: number; log: object[] }> {
  const cluster = openCluster({ brokers: brokers.split(','), clientId: 'bench' })
  const [first, second] = await Promise.all([0, 1].map((slot) => startPayments(brokers, { slot, standbys })))
  if (first === undefined || second === undefined) throw new Error('two were started')
  if (standbys > 0) await Promise.all([first.standsBy, second.standsBy])
  await answers(cluster)
  const at = performance.now()
  await first.kill()
  await answers(cluster)
  const seconds = secondsSince(at)
  await second.kill()
  await leaveTo(cluster)
  await cluster.close()
  return { seconds, log: second.restorations() }
}

type Running = {
  readonly standsBy: Promise<void>
  restorations(): object[]
  kill(): Promise<void>
}

/** Resolves when it has its first tasks. */
async function startPayments(
  brokers: string,
  { slot, standbys = 0 }: { slot: number; standbys?: number },
): Promise<Running> {
  const env = {
    PATH: process.env.PATH ?? '',
    KAFKA_BROKERS: brokers,
    PAYMENTS_SLOT: String(slot),
    PAYMENTS_STANDBY_REPLICAS: String(standbys),
    PAYMENTS_TOPOLOGIES: 'payments',
  }
  const child = spawn(process.execPath, [...nodeFlagsOfPayments, main], {
    env,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const lines = linesOf(child)
  const standsBy = Promise.withResolvers<void>()
  let caughtUp = 0
  lines.listen((entry) => {
    if (entry.msg === 'the standby has caught up' && ++caughtUp === partitions.length / 2) standsBy.resolve()
  })
  await Promise.race([once(child, 'message'), exited.then(() => Promise.reject(new Error('payments ended')))])
  return {
    standsBy: standsBy.promise,
    restorations: () =>
      lines.all
        .filter(({ msg }) => msg === 'restored')
        .map(({ tasks, records, perSecond }) => ({ tasks, records, perSecond })),
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

type Entry = { readonly msg: string; readonly [name: string]: unknown }

function linesOf(child: ChildProcess) {
  const all: Entry[] = []
  const listeners: ((entry: Entry) => void)[] = []
  let rest = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const entry = JSON.parse(line) as Entry
      all.push(entry)
      for (const listener of listeners) listener(entry)
    }
  })
  return { all, listen: (listener: (entry: Entry) => void) => void listeners.push(listener) }
}

/** Sends a command to every partition; resolves when all are answered. */
async function answers(cluster: Cluster): Promise<void> {
  const reader = openReader(cluster, { maxWaitMs: 20 })
  const replies = partitions.map((partition) => ({ topic: topicNames.replies, partition }))
  reader.assign(await openAdmin(cluster).listOffsets(replies, 'latest'))
  const waiting = new Set<string>(partitions.map(() => crypto.randomUUID()))
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

/** Until no member is left, so that the next measurement begins with an empty group. */
async function leaveTo(cluster: Cluster): Promise<void> {
  const admin = openAdmin(cluster)
  for (;;) {
    const [group] = await admin.describeGroups(['streampay-payments'])
    if ((group?.members.length ?? 0) === 0) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function secondsSince(at: number): number {
  return Math.round(performance.now() - at) / 1_000
}
