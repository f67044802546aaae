/** One turn of a subject in the scenario `streams`: started, warmed up, measured in all cases, and stopped. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, openAdmin, openCluster } from '@streampay/kafka'
import type { ApacheKafka } from '../../test/support/apache-kafka/apache-kafka.ts'
import type { Child } from '../harness/children.ts'
import { type Pids, startMeter } from '../harness/meter.ts'
import type { Run, Sample } from '../harness/scenario.ts'
import type { MoneyBegin, MoneyChecked, MoneyCounted, MoneyMeasure, MoneyOpen } from '../load/money-job.ts'
import { compileKafkaStreams } from '../rivals/kafka-streams/kafka-streams.ts'
import type { Settings } from '../rivals/kafka-streams/settings.ts'
import { topicsOf } from './money-path.ts'
import { type Processor, type SubjectKey, startSubject, subjectNames } from './money-subjects.ts'
import { root } from './services.ts'

/** A JVM compiles what runs often: it is warmed up with so many commands at once, whatever is measured then. */
const warmUpInFlight = 256
/** For what an earlier case has left under way. */
const settleSeconds = 1

export type Stage = {
  readonly run: Run
  readonly cluster: Cluster
  readonly brokers: readonly string[]
  readonly kafkaPid: number | undefined
  readonly folder: string
  readonly classpath: string
  readonly settings: Settings
}

type Parts = { readonly run: Run; readonly kafka: ApacheKafka; readonly folder: string; readonly settings: Settings }

export async function openStage({ run, kafka, folder, settings }: Parts): Promise<Stage> {
  const { brokers } = kafka
  const cluster = openCluster({ brokers, clientId: 'bench' })
  await cluster.ready()
  const classpath = await compileKafkaStreams(folder)
  return { run, cluster, brokers, kafkaPid: kafka.pidOf(0), folder, classpath, settings }
}

type Turn = { readonly inFlight: readonly number[]; readonly round: number }

/** Of one subject: its samples, one for each number in flight. */
export async function turn(stage: Stage, key: SubjectKey, { inFlight, round }: Turn): Promise<Sample[]> {
  const { run, cluster, brokers, kafkaPid } = stage
  const name = `${key}-${crypto.randomUUID()}`
  const folder = join(stage.folder, name)
  const processor = await startSubject(key, { ...stage, children: run.children, name, folder })
  const load = await startLoad(run, { brokers, topics: topicsOf(name), accounts: run.count('accounts'), processor })
  const pids = { processor: processor.pid, ...(kafkaPid !== undefined && { kafka: kafkaPid }) }
  const what = round < 0 ? 'to warm up' : `round ${round + 1}`
  const samples: Sample[] = []
  const measured = async () => {
    await measure(load, {}, { inFlight: warmUpInFlight, warmUpSeconds: 0, seconds: run.count('warm-up') })
    for (const many of inFlight) {
      const how = { inFlight: many, warmUpSeconds: settleSeconds, seconds: run.count('seconds') }
      const sample = await measure(load, pids, how)
      const { perSecond = 0, p50Ms = 0, p99Ms = 0 } = sample.figures
      const times = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`
      run.print(`${subjectNames[key]}, ${many} in flight, ${what}: ${perSecond.toFixed(0)}/s, ${times}`)
      samples.push(sample)
    }
  }
  await Promise.race([measured(), unexpectedEnd(processor, subjectNames[key])])
  await load.stop()
  await processor.stop()
  await forgetTopics(cluster, name)
  rmSync(folder, { recursive: true, force: true })
  return samples
}

async function unexpectedEnd({ ended }: Processor, name: string): Promise<never> {
  throw new Error(`${name} ended (${await ended}) while it was measured`)
}

type LoadOptions = Omit<MoneyOpen, 'type' | 'keepsState'> & { readonly processor: Processor }

async function startLoad({ children }: Run, { processor, ...options }: LoadOptions): Promise<Child> {
  const load = await children.node([join(root, 'bench/load/money-main.ts')])
  await load.message('ready')
  const opened = load.message('open')
  const open: MoneyOpen = { type: 'open', ...options, keepsState: processor.keepsState }
  load.process.send(open)
  await opened
  return load
}

/** CPU counts from the end of the warm-up to the end of the counted time; what is checked after that is not in it. */
async function measure(load: Child, pids: Pids, how: Omit<MoneyMeasure, 'type'>): Promise<Sample> {
  const begun = load.message<MoneyBegin>('begin')
  const counted = load.message<MoneyCounted>('counted')
  const checked = load.message<MoneyChecked>('checked')
  // The load says on its standard error why it ends; one of these rejections is enough.
  for (const later of [counted, checked]) later.catch(() => undefined)
  const job: MoneyMeasure = { type: 'measure', ...how }
  load.process.send(job)
  await begun
  const meter = startMeter(pids)
  const { commands, figures } = await counted
  const processes = meter.end(commands)
  await checked
  return { figures, processes }
}

/** Those of the turn, with what the libraries have added. */
async function forgetTopics(cluster: Cluster, name: string): Promise<void> {
  const admin = openAdmin(cluster)
  const topics = await admin.listTopics()
  await admin.deleteTopics(topics.filter((topic) => topic.startsWith(name)))
}
