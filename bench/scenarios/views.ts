import { rmSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { openAdmin, openCluster } from '@streampay/kafka'
import { copyOf, grownFolder } from '../grow/grow.ts'
import { startMeter, watchAnonymous } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import { caOf } from '../support/application.ts'
import { definitionsFor, type Ports, somePorts, startService } from '../support/services.ts'
import { historyOf } from './grow.ts'

/** A gateway and a log alone. It is ended by SIGKILL, so that its local state is that after a crash. */
export const views: Scenario = {
  name: 'views',
  summary: 'a gateway alone, from its start until all views are complete: without its folder, and with it',
  options: {
    payments: { type: 'string', fallback: '1e4,1e5,1e6', help: 'lengths of the history' },
    people: { type: 'string', fallback: '1e5', help: 'as for grow' },
    rounds: { type: 'string', fallback: '3', help: 'of each, in turns' },
  },
  plots: [
    { figure: 'readySeconds', title: 'From the start of a gateway until its views are complete, seconds' },
    { figure: 'recordsPerSecond', title: 'Records that it read per second' },
  ],
  maxMinutes: 60,
  async run(run) {
    const measurements: Measurement[] = []
    for (const payments of run.counts('payments')) {
      const data = copyOf(await grownFolder(historyOf(run, payments), run), run)
      const ports = await somePorts()
      const definitions = definitionsFor(data, ports)
      const broker = await startService('broker', { children: run.children, definitions })
      const place = { data, ports, definitions }
      const subjects = [startOf(run, { ...place, keepsFolder: false }), startOf(run, { ...place, keepsFolder: true })]
      const values = await inTurns(subjects, { rounds: run.count('rounds'), warmUps: 1 })
      for (const [subject, samples] of values) {
        const unit = subject === withFolder ? 'start' : 'record'
        measurements.push({ subject, case: `${payments.toLocaleString('en')} payments`, unit, samples })
      }
      await broker.stop()
      rmSync(data, { recursive: true, force: true })
    }
    return { measurements }
  },
}

const withFolder = 'with its folder'
const withoutFolder = 'without its folder'

type Place = {
  readonly data: string
  readonly ports: Ports
  readonly definitions: ReturnType<typeof definitionsFor>
  readonly keepsFolder: boolean
}

function startOf({ children }: Run, { data, ports, definitions, keepsFolder }: Place): Subject<Sample> {
  return {
    name: keepsFolder ? withFolder : withoutFolder,
    async run() {
      if (!keepsFolder) rmSync(join(data, 'state/gateway'), { recursive: true, force: true })
      const startedAt = performance.now()
      const most = watchAnonymous()
      const gateway = await startService('gateway', { children, definitions, onSpawn: most.of })
      const readySeconds = (performance.now() - startedAt) / 1000
      const records = await recordsOf(await topicsOf(data, ports), ports)
      const processes = startMeter({ gateway: gateway.pid }, { sinceStart: true }).end(keepsFolder ? 1 : records)
      const figures = { readySeconds, ...most.end() }
      await gateway.kill()
      if (keepsFolder) return { figures, processes }
      return { figures: { ...figures, recordsPerSecond: records / readySeconds, records }, processes }
    },
  }
}

/** The topics that it reads, from its own log. */
async function topicsOf(data: string, { port }: Ports): Promise<string[]> {
  const text = await new Promise<string>((resolve, reject) => {
    const sent = request(`https://localhost:${port}/health/ready`, { ca: caOf(data), agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve(body))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
  return (JSON.parse(text) as { readonly topics: readonly { readonly topic: string }[] }).topics.map(
    ({ topic }) => topic,
  )
}

/** Offsets, which count markers of transactions too; a grown log has few. */
async function recordsOf(topics: readonly string[], { brokerPort }: Ports): Promise<number> {
  const cluster = openCluster({ brokers: [`127.0.0.1:${brokerPort}`], clientId: 'bench' })
  await cluster.ready()
  const admin = openAdmin(cluster)
  const described = await admin.describeTopics(topics)
  const partitions = described.flatMap(({ name, partitions: parts }) =>
    parts.map((_, partition) => ({ topic: name, partition })),
  )
  const [starts, ends] = await Promise.all([
    admin.listOffsets(partitions, 'earliest'),
    admin.listOffsets(partitions, 'latest'),
  ])
  await cluster.close()
  const sum = (offsets: readonly { readonly offset: number }[]) =>
    offsets.reduce((total, { offset }) => total + offset, 0)
  return sum(ends) - sum(starts)
}
