/** The subjects of the scenario `streams`: each is started, with topics of its own, on one Apache Kafka. */
import { join } from 'node:path'
import { type Cluster, openAdmin } from '@streampay/kafka'
import type { Child, Children } from '../harness/children.ts'
import { startKafkaStreams } from '../rivals/kafka-streams/kafka-streams.ts'
import { forLatency, forThroughput, type Settings } from '../rivals/kafka-streams/settings.ts'
import { moneyPath, ownTopics, partitionCount, sharedTopics, topicsOf } from './money-path.ts'
import { compileCache, definitionsFor, root, somePorts } from './services.ts'

/** Kafka Streams is there twice, since no setting of it is best for low and for high load. */
export const subjectNames = {
  streampay: 'streampay',
  latency: 'Kafka Streams for latency',
  throughput: 'Kafka Streams for throughput',
  loop: 'client loop',
} as const

export type SubjectKey = keyof typeof subjectNames
export const subjectKeys = Object.keys(subjectNames) as SubjectKey[]

export type Place = {
  readonly children: Children
  readonly cluster: Cluster
  readonly brokers: readonly string[]
  /** Of this start alone: topics, group and transactional ids carry it. */
  readonly name: string
  readonly folder: string
  /** Of what is compiled of Kafka Streams. */
  readonly classpath: string
  /** On top of those that Kafka Streams is started with. */
  readonly settings: Settings
}

export type Processor = Pick<Child, 'pid' | 'ended'> & {
  /** Whether it keeps keys and balances. */
  readonly keepsState: boolean
  stop(): Promise<unknown>
}

/** Resolves when it reads commands. */
export async function startSubject(key: SubjectKey, place: Place): Promise<Processor> {
  await openAdmin(place.cluster).createTopics(sharedTopics(place.name))
  switch (key) {
    case 'streampay':
      return startStreampay(place)
    case 'latency':
      return startRival(place, forLatency)
    case 'throughput':
      return startRival(place, forThroughput)
    case 'loop':
      return startLoop(place)
  }
}

/** With the flags and the environment of the payments service. */
async function startStreampay({ children, cluster, brokers, name, folder }: Place): Promise<Processor> {
  await openAdmin(cluster).createTopics(ownTopics(moneyPath(name)))
  const payments = definitionsFor(folder, await somePorts()).get('payments')
  if (payments === undefined) throw new Error('there is no payments service')
  const main = join(root, 'bench/load/money-path-main.ts')
  const args = [name, brokers.join(','), join(folder, 'state')]
  const child = await children.node([...payments.nodeFlags, main, ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...payments.env },
  })
  await child.message('ready')
  return { pid: child.pid, ended: child.ended, stop: () => child.stop(), keepsState: true }
}

async function startRival({ settings, ...place }: Place, tuned: Settings): Promise<Processor> {
  return { ...(await startKafkaStreams({ ...place, settings: { ...tuned, ...settings } })), keepsState: true }
}

async function startLoop({ children, cluster, brokers, name }: Place): Promise<Processor> {
  await openAdmin(cluster).createTopics([{ name: topicsOf(name).balances, partitions: partitionCount }])
  const child = await children.node([join(root, 'bench/rivals/loop-main.ts'), name, brokers.join(',')])
  await child.message('ready')
  return { pid: child.pid, ended: child.ended, stop: () => child.stop(), keepsState: false }
}
