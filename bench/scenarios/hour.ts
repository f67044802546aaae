import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { topicNames } from '@streampay/domain'
import { openCluster, openProducer } from '@streampay/kafka'
import { apis } from '@streampay/kafka/wire'
import { WireConnection } from '../../packages/kafka/test/support/wire-connection.ts'
import { startApacheKafka } from '../../test/support/apache-kafka/apache-kafka.ts'
import { copyOf, grownFolder } from '../grow/grow.ts'
import { personId, userRecord } from '../grow/history.ts'
import { bytesIn } from '../harness/bytes-in.ts'
import { startMeter } from '../harness/meter.ts'
import { type Run, type Sample, type Scenario, UsageError } from '../harness/scenario.ts'
import { percentile } from '../harness/spread.ts'
import type { PayBegin, PayDone, PayJob, PayPart } from '../load/pay-job.ts'
import { untilUsersAreRead } from '../support/answers.ts'
import { type Application, caOf, startApplication } from '../support/application.ts'
import { root } from '../support/services.ts'
import { tokensOf } from '../support/tokens.ts'
import { auditOnce } from './audit.ts'
import { historyOf } from './grow.ts'

const alteringSet = 0
const topicResource = 2
const secondMs = 1_000
/** Topics whose records are deleted after a while, and are not needed for the state: the hour shows that this works. */
const passing = [topicNames.commands, topicNames.activities, topicNames.replies]
/** The ledger: it grows with each payment. */
const forever = [topicNames.transactions, topicNames.balanceHistories]

/**
 * A round is a minute of one run; so the range shows whether anything grows. Mojaloop's hub must do 1,000 transfers a second for an hour,
 * with at most 1 % of them over a second (https://docs.mojaloop.io, "performance"): `--rate 1000` is that, in an open loop.
 */
export const hour: Scenario = {
  name: 'hour',
  summary:
    'payments for an hour, at a fixed rate or as fast as possible; the log on its disk, memory, and the audit at the end',
  options: {
    minutes: { type: 'string', fallback: '60', help: 'of payments' },
    rate: { type: 'string', fallback: '0', help: 'payments that begin a second; 0: a closed loop' },
    'in-flight': { type: 'string', fallback: '64', help: 'of the closed loop' },
    connections: { type: 'string', fallback: '4', help: 'of HTTP/2' },
    'keep-minutes': {
      type: 'string',
      fallback: '5',
      help: 'how long commands, activities and replies are kept; 0: the default',
    },
    log: { type: 'string', fallback: 'embedded', help: 'or kafka: Apache Kafka; needs Java 17 and Maven' },
    payments: { type: 'string', fallback: '1e4', help: 'history on the log before, of the embedded one' },
    people: { type: 'string', fallback: '2e3', help: 'who pay, and are paid' },
  },
  plots: [
    { figure: 'perSecond', title: 'Payments per second' },
    { figure: 'p99Ms', title: 'p99 of a payment, ms' },
  ],
  maxMinutes: 150,
  async run(run) {
    const place = await placeOf(run)
    const { application, logFolder } = place
    const { rounds, payments } = await paid(run, place)
    run.print(`${payments.toLocaleString('en')} payments; the audit of them`)
    await auditOnce(run, { brokers: place.brokers, payments })
    run.print(`the audit holds; ${Math.round(bytesIn(logFolder) / 1e6).toLocaleString('en')} MB on the log's disk`)
    await application.stop()
    await place.close()
    const rate = run.count('rate')
    const how = rate === 0 ? `${run.count('in-flight')} in flight` : `${rate.toLocaleString('en')} begin a second`
    const subject = `streampay on ${run.text('log') === 'kafka' ? 'Apache Kafka' : 'the embedded log'}`
    return { measurements: [{ subject, case: how, unit: 'payment', samples: rounds }] }
  },
}

type Place = {
  readonly application: Application
  readonly data: string
  readonly brokers: string
  readonly logFolder: string
  readonly pids: Readonly<Record<string, number>>
  close(): Promise<void>
}

async function placeOf(run: Run): Promise<Place> {
  const isKafka = run.text('log') === 'kafka'
  if (!isKafka && run.text('log') !== 'embedded') throw new UsageError('--log is embedded or kafka')
  const data = copyOf(await grownFolder(historyOf(run, run.count('payments')), run), run)
  const kafkaFolder = join(run.scratch, 'work', 'hour-kafka')
  if (isKafka) {
    rmSync(join(data, 'broker'), { recursive: true, force: true })
    mkdirSync(kafkaFolder, { recursive: true })
  }
  const kafka = isKafka ? await startApacheKafka({ folder: kafkaFolder }) : undefined
  const log = kafka === undefined ? [] : ['--brokers', kafka.brokers.join(',')]
  const application = await startApplication({ children: run.children, data, args: ['--no-simulation', ...log] })
  const brokers = kafka?.brokers[0] ?? application.brokers
  await keepFor(run.count('keep-minutes'), brokers)
  if (isKafka) await registerPeople(run.count('people'), brokers)
  const { launcher: _, ...own } = application.pids
  const kafkaPid = kafka?.pidOf(0)
  return {
    application,
    data,
    brokers,
    logFolder: isKafka ? kafkaFolder : join(data, 'broker'),
    pids: { ...own, ...(kafkaPid === undefined ? {} : { kafka: kafkaPid }) },
    close: async () => {
      await kafka?.close()
      for (const folder of [data, kafkaFolder]) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** On a log that was not grown. Their accounts are opened by their first payments. */
async function registerPeople(people: number, brokers: string): Promise<void> {
  const cluster = openCluster({ brokers: [brokers], clientId: 'bench' })
  const producer = openProducer(cluster)
  await producer.send(Array.from({ length: people }, (_, n) => userRecord(n)))
  await producer.close()
  await untilUsersAreRead(cluster)
  await cluster.close()
}

/** So that an hour is enough to see that retention keeps up. */
async function keepFor(minutes: number, brokers: string): Promise<void> {
  if (minutes === 0) return
  const cluster = openCluster({ brokers: [brokers], clientId: 'bench' })
  await cluster.ready()
  await cluster.close()
  const connection = await WireConnection.open(brokers)
  const value = String(minutes * 60_000)
  const resources = passing.map((resourceName) => ({
    resourceType: topicResource,
    resourceName,
    configs: [{ name: 'retention.ms', configOperation: alteringSet, value }],
  }))
  const { responses } = await connection.call(apis.incrementalAlterConfigs, { resources, validateOnly: false })
  connection.close()
  const refused = responses.find(({ errorCode }) => errorCode !== 0)
  if (refused !== undefined) throw new Error(`${refused.resourceName}: ${refused.errorMessage}`)
}

async function paid(run: Run, { application, data, logFolder, pids }: Place) {
  const minutes = run.count('minutes')
  const rate = run.count('rate')
  const tokenOf = await tokensOf(data, application.origin)
  const ids = Array.from({ length: run.count('people') }, (_, n) => personId(n))
  const job: PayJob = {
    type: 'job',
    origin: application.origin,
    ca: caOf(data).toString(),
    payers: await Promise.all(ids.map(async (id) => ({ id, token: await tokenOf(id) }))),
    connections: run.count('connections'),
    inFlight: run.count('in-flight'),
    warmUpSeconds: 60,
    seconds: minutes * 60,
    partSeconds: 60,
    ...(rate === 0 ? {} : { perSecond: rate }),
  }
  const load = await run.children.node([join(root, 'bench/load/pay-main.ts')])
  await load.message('ready')
  const begun = load.message<PayBegin>('begin')
  load.process.send(job)
  await begun
  let meter = startMeter(pids)
  const rounds: Sample[] = []
  let payments = 0
  for (let minute = 1; minute <= minutes; minute++) {
    const part = await load.message<PayPart | PayDone>(minute === minutes ? 'done' : 'part')
    const { figures, text } = figuresOf(part, logFolder)
    const units = part.tookMs.length
    payments += units
    rounds.push({ figures, processes: meter.end(Math.max(1, units)) })
    meter = startMeter(pids)
    run.print(`minute ${minute}: ${text}`)
  }
  await load.ended
  return { rounds, payments }
}

/** Of their partitions, as the embedded log or Apache Kafka names them. */
function foldersOf(topics: readonly string[]): RegExp {
  return new RegExp(`/(?:${topics.join('|')})(?:\\.[0-9a-f-]+/|-)[0-9]+/`)
}

function figuresOf({ seconds, tookMs, others }: PayPart | PayDone, logFolder: string) {
  const failed = Object.values(others).reduce((sum, count) => sum + count, 0)
  const all = tookMs.length + failed
  const late = tookMs.filter((ms) => ms > secondMs).length
  const figures = {
    perSecond: tookMs.length / seconds,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
    maxMs: percentile(tookMs, 1),
    /** Of all that began, those that took longer than a second or were not done. */
    overOneSecondPercent: (100 * (late + failed)) / Math.max(1, all),
    diskMb: bytesIn(logFolder) / 1e6,
    passingMb: bytesIn(logFolder, foldersOf(passing)) / 1e6,
    foreverMb: bytesIn(logFolder, foldersOf(forever)) / 1e6,
  }
  const words = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(1)}`)
  const refusals = Object.entries(others).map(([what, count]) => `${count} × ${what}`)
  return { figures, text: [...words, ...refusals].join('; ') }
}
