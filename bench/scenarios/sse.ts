import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { copyOf, grownFolder } from '../grow/grow.ts'
import { startMeter, watchAnonymous } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import {
  type Comparison,
  type Measurement,
  type Run,
  type Sample,
  type Scenario,
  type ScenarioResult,
  UsageError,
} from '../harness/scenario.ts'
import { percentile } from '../harness/spread.ts'
import { type SseDone, wallClock } from '../load/sse-job.ts'
import { idleStreams } from '../support/idle-streams.ts'
import { activity, type Sockets, type SseServer, startLimit, startOurs } from '../support/sse-servers.ts'
import { startWatching } from '../support/watching.ts'

/** A folder without payments: only the run's own events are counted. */
const nobody = { payments: 0, people: 20, merchantPercent: 0, hours: 1 }
const kinds = ['burst', 'steady', 'idle'] as const
const ways: readonly Sockets[] = ['shared', 'own']

/** CPU is for each event that came on a stream. */
export const sse: Scenario = {
  name: 'sse',
  summary: 'events to many streams: in a burst, at a steady rate, or none at all, beside HTTPS/2 or TLS of Node alone',
  options: {
    cases: { type: 'string', fallback: 'burst,steady', help: 'of burst, steady and idle, comma-separated' },
    streams: { type: 'string', fallback: '200', help: 'open at once, comma-separated' },
    sockets: {
      type: 'string',
      fallback: 'shared',
      help: 'own: a connection of HTTP/1.1 for each stream; shared: those of HTTP/2 have several; or both',
    },
    'of-connection': { type: 'string', fallback: '20', help: 'streams that share one' },
    watchers: { type: 'string', fallback: '1', help: 'processes that the streams are spread over, but idle ones' },
    burst: { type: 'string', fallback: '1000', help: 'events that are written at once' },
    rate: { type: 'string', fallback: '10', help: 'events a second at the steady rate' },
    seconds: { type: 'string', fallback: '5', help: 'of the steady rate' },
    rounds: { type: 'string', fallback: '3', help: 'of each, in turns' },
  },
  plots: [
    { figure: 'eventsPerSecond', title: 'Events that came on streams, per second, in a burst' },
    { figure: 'p99Ms', title: 'From written to received, p99, ms' },
    { figure: 'streamPssKb', title: 'Memory of an idle stream, PSS, KB' },
    { figure: 'cpuMsPerUnit', title: 'CPU ms for an event on a stream' },
  ],
  maxMinutes: 30,
  async run(run) {
    const wanted = listOf(run, 'cases', kinds)
    const folder = async () => copyOf(await grownFolder(nobody, run), run)
    const outcomes: ScenarioResult[] = []
    if (wanted.includes('burst') || wanted.includes('steady')) outcomes.push(await eventsToStreams(run, await folder()))
    if (wanted.includes('idle')) {
      for (const streams of run.counts('streams')) {
        const how = { streams, sockets: listOf(run, 'sockets', ways), ofConnection: run.count('of-connection') }
        outcomes.push(await idleStreams(run, folder, how))
      }
    }
    return {
      measurements: outcomes.flatMap(({ measurements }) => measurements),
      comparisons: outcomes.flatMap(({ comparisons = [] }) => comparisons),
    }
  },
}

async function eventsToStreams(run: Run, data: string): Promise<ScenarioResult> {
  const wanted = listOf(run, 'cases', kinds)
  const ours = await startOurs(run, data)
  const measurements: Measurement[] = []
  const comparisons: Comparison[] = []
  for (const sockets of listOf(run, 'sockets', ways)) {
    const limit = await startLimit(run, data, sockets)
    for (const streams of run.counts('streams')) {
      const place = { streams, sockets }
      const ofPlace = [burstCase(run, place), steadyCase(run, place)].filter(({ kind }) => wanted.includes(kind))
      for (const one of ofPlace) {
        const subjects = [ours, limit].map((server) => subjectOf(run, { server, data, one }))
        const values = await inTurns(subjects, { rounds: run.count('rounds'), warmUps: 1 })
        for (const [subject, samples] of values) measurements.push({ subject, case: one.name, unit: 'event', samples })
        comparisons.push(
          ...one.compared.map((figure) => ({
            figure,
            of: { subject: ours.name, case: one.name },
            to: { subject: limit.name, case: one.name },
          })),
        )
      }
    }
    await limit.stop()
  }
  await ours.stop()
  rmSync(data, { recursive: true, force: true })
  return { measurements, comparisons }
}

type Place = { readonly streams: number; readonly sockets: Sockets }

type Case = Place & {
  readonly kind: 'burst' | 'steady'
  readonly name: string
  readonly events: number
  /** Whether the time of each event is measured. */
  readonly isTimed: boolean
  readonly compared: readonly string[]
  write(send: SseServer['send']): Promise<void>
  figures(done: Omit<SseDone, 'type'>, seconds: number): Record<string, number>
}

function burstCase(run: Run, place: Place): Case {
  const events = run.count('burst')
  return {
    ...place,
    kind: 'burst',
    name: `burst of ${events.toLocaleString('en')} to ${placeText(place)}`,
    events,
    isTimed: false,
    compared: ['eventsPerSecond', 'cpuMsPerUnit'],
    write: (send) => send(Array.from({ length: events }, activity)),
    figures: ({ bytes }, seconds) => ({
      eventsPerSecond: (events * place.streams) / seconds,
      eventBytes: bytes / events / place.streams,
    }),
  }
}

function steadyCase(run: Run, place: Place): Case {
  const rate = run.count('rate')
  const events = rate * run.count('seconds')
  return {
    ...place,
    kind: 'steady',
    name: `${rate} events/s to ${placeText(place)}`,
    events,
    isTimed: true,
    compared: [],
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

function placeText({ streams, sockets }: Place): string {
  return `${streams.toLocaleString('en')} streams${sockets === 'own' ? ', a connection each' : ''}`
}

type Task = { readonly server: SseServer; readonly data: string; readonly one: Case }

function subjectOf(run: Run, { server, data, one }: Task): Subject<Sample> {
  const { events, streams, sockets, isTimed } = one
  return {
    name: server.name,
    async run() {
      const ofConnection = run.count('of-connection')
      const processes = run.count('watchers')
      const watching = await startWatching(run, server, { data, streams, sockets, ofConnection, processes })
      const done = watching.expect(events, { isTimed })
      const meter = startMeter(server.pids)
      const memory = watchAnonymous()
      memory.of(server.pid)
      const beganAt = wallClock()
      await one.write(server.send)
      const finished = await done
      const processSamples = meter.end(events * streams)
      const most = memory.end()
      await watching.stop()
      return {
        figures: { ...one.figures(finished, (finished.at - beganAt) / 1000), ...most },
        processes: processSamples,
      }
    },
  }
}

/** @throws UsageError for anything but some of these, comma-separated */
function listOf<T extends string>(run: Run, option: string, all: readonly T[]): T[] {
  return run
    .text(option)
    .split(',')
    .map((text) => {
      const found = all.find((one) => one === text.trim())
      if (found === undefined)
        throw new UsageError(`--${option} is "${run.text(option)}", but may name ${all.join(', ')}`)
      return found
    })
}
