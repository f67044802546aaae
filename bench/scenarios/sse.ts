import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Activity, headerNames, jsonContentType, topicNames } from '@streampay/domain'
import { openCluster, openProducer } from '@streampay/kafka'
import { copyOf, grownFolder } from '../grow/grow.ts'
import { personId } from '../grow/history.ts'
import type { Child } from '../harness/children.ts'
import { type Pids, startMeter } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import { percentile } from '../harness/spread.ts'
import { eventId, type SseDone, type SseExpect, type SseJob, wallClock } from '../load/sse-job.ts'
import { caOf, startApplication } from '../support/application.ts'
import { root } from '../support/services.ts'
import { tokensOf } from '../support/tokens.ts'

const path = '/activities?last=0'
/** Well below what one person, and one connection, may have. */
const streamsOfPerson = 8
const streamsOfConnection = 20
const timeoutMs = 120_000
/** A folder without payments: nobody else's events are among those that are counted. */
const nobody = { payments: 0, people: 20, merchantPercent: 0, hours: 1 }

/** Events are written straight to `activities`. CPU is for each event that came on a stream. */
export const sse: Scenario = {
  name: 'sse',
  summary: 'events to many streams: in a burst, and at a steady rate, beside bare HTTPS/2 of Node',
  options: {
    streams: { type: 'string', fallback: '200', help: 'open at once' },
    burst: { type: 'string', fallback: '1000', help: 'events that are written at once' },
    rate: { type: 'string', fallback: '10', help: 'events a second at the steady rate' },
    seconds: { type: 'string', fallback: '5', help: 'of the steady rate' },
    rounds: { type: 'string', fallback: '3', help: 'of each, in turns' },
  },
  plots: [
    { figure: 'eventsPerSecond', title: 'Events that came on streams, per second, in a burst' },
    { figure: 'p99Ms', title: 'From written to received, p99, ms' },
    { figure: 'cpuMsPerUnit', title: 'CPU ms for an event on a stream' },
  ],
  maxMinutes: 30,
  async run(run) {
    const data = copyOf(await grownFolder(nobody, run), run)
    const application = await startApplication({ children: run.children, data, args: ['--no-simulation'] })
    const { launcher: _, ...pids } = application.pids
    const cluster = openCluster({ brokers: [application.brokers], clientId: 'bench' })
    await cluster.ready()
    const producer = openProducer(cluster)
    const bare = await startBare(run, data)
    const ours: Sender = {
      name: 'streampay',
      origin: application.origin,
      pids,
      send: async (events) => void (await producer.send(events.map(recordOf))),
    }
    const limit: Sender = {
      name: 'bare',
      origin: bare.origin,
      pids: { bare: bare.child.pid },
      send: async (events) => void bare.child.process.send({ frames: events.map(frameOf) }),
    }
    const measurements: Measurement[] = []
    for (const one of [burstCase(run), steadyCase(run)]) {
      const subjects = [ours, limit].map((sender) => subjectOf(run, { sender, data, one }))
      const values = await inTurns(subjects, { rounds: run.count('rounds'), warmUps: 1 })
      for (const [subject, samples] of values) measurements.push({ subject, case: one.name, unit: 'event', samples })
    }
    await producer.close()
    await cluster.close()
    await application.stop()
    rmSync(data, { recursive: true, force: true })
    const comparisons = [
      { figure: 'eventsPerSecond', case: burstCase(run).name },
      { figure: 'cpuMsPerUnit', case: burstCase(run).name },
    ].map(({ figure, case: name }) => ({
      figure,
      of: { subject: 'streampay', case: name },
      to: { subject: 'bare', case: name },
    }))
    return { measurements, comparisons }
  },
}

type Sender = {
  readonly name: string
  readonly origin: string
  readonly pids: Pids
  send(events: readonly Activity[]): Promise<void>
}

type Case = {
  readonly name: string
  readonly events: number
  write(send: Sender['send']): Promise<void>
  figures(done: SseDone, seconds: number): Record<string, number>
}

function burstCase(run: Run): Case {
  const [streams, events] = [run.count('streams'), run.count('burst')]
  return {
    name: `burst of ${events.toLocaleString('en')} to ${streams} streams`,
    events,
    write: (send) => send(Array.from({ length: events }, activity)),
    figures: (_, seconds) => ({ eventsPerSecond: (events * streams) / seconds }),
  }
}

function steadyCase(run: Run): Case {
  const rate = run.count('rate')
  const events = rate * run.count('seconds')
  return {
    name: `${rate} events/s to ${run.count('streams')} streams`,
    events,
    async write(send) {
      const beganAt = performance.now()
      for (let n = 0; n < events; n++) {
        await delay(Math.max(0, beganAt + (n * 1000) / rate - performance.now()))
        await send([activity()])
      }
    },
    figures: ({ tookMs }) => ({ p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) }),
  }
}

type Task = { readonly sender: Sender; readonly data: string; readonly one: Case }

function subjectOf(run: Run, { sender, data, one }: Task): Subject<Sample> {
  return {
    name: sender.name,
    async run() {
      const streams = run.count('streams')
      const watching = await startWatching(run, { sender, data, streams })
      const done = watching.message<SseDone>('done')
      const expect: SseExpect = { type: 'expect', events: one.events, timeoutMs }
      watching.process.send(expect)
      const meter = startMeter(sender.pids)
      const beganAt = wallClock()
      await one.write(sender.send)
      const finished = await done
      const processes = meter.end(one.events * streams)
      await watching.stop()
      return { figures: one.figures(finished, (finished.at - beganAt) / 1000), processes }
    },
  }
}

async function startWatching(
  { children }: Run,
  { sender, data, streams }: { sender: Sender; data: string; streams: number },
): Promise<Child> {
  const tokens = await tokensOf(data, sender.origin)
  const people = await Promise.all(
    Array.from({ length: Math.ceil(streams / streamsOfPerson) }, (_, n) => tokens(personId(n))),
  )
  const job: SseJob = {
    type: 'job',
    origin: sender.origin,
    ca: caOf(data).toString(),
    path,
    tokens: Array.from({ length: streams }, (_, n) => people[n % people.length] ?? ''),
    connections: Math.ceil(streams / streamsOfConnection),
  }
  const child = await children.node([join(root, 'bench/load/sse-main.ts')])
  await child.message('ready')
  const opened = child.message('open')
  child.process.send(job)
  await opened
  return child
}

async function startBare({ children }: Run, data: string): Promise<{ origin: string; child: Child }> {
  const main = join(root, 'bench/rivals/bare-sse-main.ts')
  const child = await children.node(['--max-semi-space-size=4', main, join(data, 'gateway')])
  const { port } = await child.message<{ readonly port: number }>('ready')
  return { origin: `https://localhost:${port}`, child }
}

function activity(): Activity {
  const [from, to] = [personId(1), personId(2)]
  return { id: eventId(), type: 'payment', from, fromName: 'Ada 1', to, toName: 'Bob 2', amount: 100, at: Date.now() }
}

function recordOf(value: Activity) {
  const headers = { [headerNames.contentType]: jsonContentType }
  return { topic: topicNames.activities, key: value.from, value: JSON.stringify(value), headers }
}

/** As long as the gateway's, which has an id of its own for each event. */
function frameOf(value: Activity): string {
  return `id: ${'0'.repeat(40)}\ndata: ${JSON.stringify(value)}\n\n`
}
