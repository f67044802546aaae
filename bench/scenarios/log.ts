import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startApacheKafka } from '../../test/support/apache-kafka/apache-kafka.ts'
import { type Pids, startMeter } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Comparison, Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import { percentile } from '../harness/spread.ts'
import { kafkaLogClient, type LogClient, rawLogClient } from '../support/log-clients.ts'
import { definitionsFor, root, somePorts, startService } from '../support/services.ts'

const recordBytes = 1024
const oneByOne = 1_000

/** CPU is that of the log alone, for each record of 1 KiB; the clients run in this process. */
export const log: Scenario = {
  name: 'log',
  summary: 'durable appends and reads of the embedded broker, beside a synced file and, if asked for, Apache Kafka',
  options: {
    'in-flight': { type: 'string', fallback: '1,64', help: 'appends of one record under way, comma-separated' },
    records: { type: 'string', fallback: '1e5', help: 'of 1 KiB, that are written in large pieces and read' },
    rounds: { type: 'string', fallback: '3', help: 'of each, in turns' },
    kafka: { type: 'boolean', fallback: false, help: 'Apache Kafka, too; needs Java 17 and Maven' },
  },
  plots: [
    { figure: 'perSecond', title: 'Records per second' },
    { figure: 'p50Ms', title: 'p50 of a durable append, ms' },
    { figure: 'cpuMsPerUnit', title: 'CPU ms of the log for a record' },
  ],
  maxMinutes: 30,
  async run(run) {
    mkdirSync(join(run.scratch, 'work'), { recursive: true })
    const folder = mkdtempSync(join(run.scratch, 'work', 'log-'))
    const subjects = [await embedded(run, folder), await raw(run, folder)]
    const kafka = run.flag('kafka') ? await apacheKafka(folder) : undefined
    if (kafka !== undefined) subjects.push(kafka.subject)
    const measurements: Measurement[] = []
    const comparisons: Comparison[] = []
    try {
      for (const one of casesOf(run)) {
        const values = await inTurns(
          subjects.map((subject) => measured(subject, one)),
          { rounds: run.count('rounds'), warmUps: 1 },
        )
        for (const [subject, samples] of values) measurements.push({ subject, case: one.name, unit: 'record', samples })
        for (const { name } of subjects.slice(1)) {
          const place = { case: one.name }
          comparisons.push({
            figure: 'perSecond',
            of: { subject: 'embedded', ...place },
            to: { subject: name, ...place },
          })
        }
      }
    } finally {
      await kafka?.close()
    }
    await run.children.endAll()
    rmSync(folder, { recursive: true, force: true })
    return { measurements, comparisons }
  },
}

type Log = {
  readonly name: string
  readonly pids: Pids
  /** A client with an empty topic, or file, of its own. */
  client(): Promise<LogClient>
}

async function embedded({ children }: Run, folder: string): Promise<Log> {
  const definitions = definitionsFor(join(folder, 'embedded'), await somePorts())
  const broker = await startService('broker', { children, definitions })
  const brokers = (definitions.get('payments')?.env.KAFKA_BROKERS ?? '').split(',')
  let topics = 0
  return {
    name: 'embedded',
    pids: { broker: broker.pid },
    client: () => kafkaLogClient(brokers, `bench-${topics++}`),
  }
}

async function raw({ children }: Run, folder: string): Promise<Log> {
  const child = await children.node([join(root, 'bench/rivals/raw-log-main.ts'), join(folder, 'raw-log')])
  const { port } = await child.message<{ readonly port: number }>('ready')
  return { name: 'synced file', pids: { file: child.pid }, client: () => rawLogClient(port) }
}

async function apacheKafka(folder: string): Promise<{ subject: Log; close(): Promise<void> }> {
  const kafka = await startApacheKafka({ folder: join(folder, 'kafka') })
  const pid = kafka.pidOf(0)
  let topics = 0
  const client = () => kafkaLogClient(kafka.brokers, `bench-${topics++}`)
  const subject = { name: 'Apache Kafka', pids: pid === undefined ? {} : { kafka: pid }, client }
  return { subject, close: () => kafka.close() }
}

type Case = {
  readonly name: string
  readonly records: number
  /** What has to be on the log before. */
  readonly written?: readonly Buffer[]
  run(client: LogClient): Promise<Record<string, number>>
}

function casesOf(run: Run): Case[] {
  const records = run.count('records')
  const values = Array.from({ length: records }, () => Buffer.alloc(recordBytes, 'payment '))
  return [
    ...run.counts('in-flight').map((inFlight) => ({
      name: `appends, ${inFlight} in flight`,
      records: oneByOne * Math.min(inFlight, 16),
      run: (client: LogClient) => appendOneByOne(client, { inFlight, records: oneByOne * Math.min(inFlight, 16) }),
    })),
    {
      name: 'written in large pieces',
      records,
      async run(client) {
        const beganAt = performance.now()
        await client.appendAll(values)
        return rates(records, beganAt)
      },
    },
    {
      name: 'read',
      records,
      written: values,
      async run(client) {
        const beganAt = performance.now()
        await client.readAll(records * recordBytes)
        return rates(records, beganAt)
      },
    },
  ]
}

async function appendOneByOne(
  client: LogClient,
  { inFlight, records }: { readonly inFlight: number; readonly records: number },
): Promise<Record<string, number>> {
  const value = Buffer.alloc(recordBytes, 'payment ')
  const tookMs: number[] = []
  let left = records
  const beganAt = performance.now()
  const loop = async () => {
    while (left-- > 0) {
      const startedAt = performance.now()
      await client.append(value)
      tookMs.push(performance.now() - startedAt)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  return { ...rates(records, beganAt), p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) }
}

function rates(records: number, beganAt: number): Record<string, number> {
  return { perSecond: records / ((performance.now() - beganAt) / 1000) }
}

function measured(log: Log, { records, written = [], run }: Case): Subject<Sample> {
  return {
    name: log.name,
    async run() {
      const client = await log.client()
      await client.appendAll(written)
      const meter = startMeter(log.pids)
      const figures = await run(client)
      const processes = meter.end(records)
      await client.close()
      return { figures, processes }
    },
  }
}
