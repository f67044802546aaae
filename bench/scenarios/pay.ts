import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { explain } from '../explain/explain.ts'
import { copyOf, grownFolder } from '../grow/grow.ts'
import { personId } from '../grow/history.ts'
import { bytesIn } from '../harness/bytes-in.ts'
import { type Pids, startMeter } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Comparison, Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import { percentile } from '../harness/spread.ts'
import type { PayBegin, PayDone, PayJob } from '../load/pay-job.ts'
import { type Application, caOf, startApplication } from '../support/application.ts'
import { copyOfBank, roomForKeys } from '../support/large-bank.ts'
import { kafkaLogClient } from '../support/log-clients.ts'
import { root } from '../support/services.ts'
import { tokensOf } from '../support/tokens.ts'
import { historyOf } from './grow.ts'

/** So many people that each stays far below the rate limit of one identity. */
const mostPayers = 2_000
/** As a command's record. */
const appendBytes = 300

export const pay: Scenario = {
  name: 'pay',
  summary: 'payments in a closed loop over HTTPS/2, beside a bare Fastify that answers the same bytes',
  options: {
    'in-flight': { type: 'string', fallback: '1,16,64,256', help: 'payments under way, comma-separated' },
    connections: { type: 'string', fallback: '4', help: 'at most; over HTTP/1.1 each has one payment at a time' },
    http1: {
      type: 'boolean',
      fallback: false,
      help: 'over HTTP/1.1, with the connections opened within the counted time, instead of HTTP/2',
    },
    seconds: { type: 'string', fallback: '5', help: 'that are counted, of each measurement; one more to warm up' },
    rounds: { type: 'string', fallback: '3', help: 'of each, in turns' },
    payments: { type: 'string', fallback: '1e4', help: 'history on the log before' },
    people: { type: 'string', fallback: '2e3', help: 'as for grow' },
    keys: {
      type: 'string',
      fallback: '',
      help: 'instead of a history, so many idempotency keys on the log before: 0,1e7 compares two applications',
    },
    explain: {
      type: 'boolean',
      fallback: false,
      help: 'measures nothing; shows the way of payments that come one by one, and what each costs the log',
    },
    args: { type: 'string', fallback: '--no-simulation', help: 'for npm start' },
  },
  plots: [
    { figure: 'perSecond', title: 'Payments per second' },
    { figure: 'p99Ms', title: 'p99 of a payment, ms' },
    { figure: 'cpuMsPerUnit', title: 'CPU ms a payment, all processes of the subject' },
  ],
  maxMinutes: 60,
  async run(run) {
    const rounds = run.count('rounds')
    const places = run.text('keys') === '' ? [await afterHistory(run)] : await afterKeys(run, run.counts('keys'))
    const [place] = places
    if (run.flag('explain') && place !== undefined) {
      await explain(run, (env) => payOneByOne(run, { ...place, env: { ...place.env, ...env } }))
      for (const { data } of places) rmSync(data, { recursive: true, force: true })
      return undefined
    }
    const { targets, log, stop } = await startTargets(run, places)
    const measurements: Measurement[] = []
    for (const inFlight of run.counts('in-flight')) {
      const subjects = targets.map(({ name, job, target }) => subjectOf(run, name, { ...job, inFlight }, target))
      // What a payment that is alone waits for three times.
      if (inFlight === 1) subjects.push(appendsOf(run, log))
      const values = await inTurns(subjects, { rounds, warmUps: 1 })
      for (const [subject, samples] of values) {
        measurements.push({ subject, case: `${inFlight} in flight`, unit: 'payment', samples })
      }
    }
    await stop()
    for (const { data } of places) rmSync(data, { recursive: true, force: true })
    return { measurements, comparisons: run.counts('in-flight').flatMap((inFlight) => comparisonsOf(inFlight, places)) }
  },
}

type Place = {
  readonly name: string
  readonly data: string
  readonly people: number
  readonly env: Readonly<Record<string, string>>
}

async function afterHistory(run: Run): Promise<Place> {
  const history = historyOf(run, run.count('payments'))
  const data = copyOf(await grownFolder(history, run), run)
  return { name: 'streampay', data, people: history.people, env: {} }
}

/** Side by side, each idle while another is measured. */
async function afterKeys(run: Run, counts: readonly number[]): Promise<Place[]> {
  const places: Place[] = []
  const people = run.count('people')
  for (const keys of counts) {
    const data = await copyOfBank({ accounts: people, keys }, run)
    places.push({ name: `streampay, ${keys.toLocaleString('en')} keys`, data, people, env: roomForKeys(keys) })
  }
  return places
}

/** With the bare server, and with the first of several. */
function comparisonsOf(inFlight: number, [first, ...others]: readonly Place[]): Comparison[] {
  const at = (subject = '') => ({ subject, case: `${inFlight} in flight` })
  return [
    { figure: 'perSecond', of: at(first?.name), to: at('bare') },
    ...others.flatMap(({ name }) =>
      ['perSecond', 'cpuMsPerUnit'].map((figure) => ({ figure, of: at(name), to: at(first?.name) })),
    ),
  ]
}

type Started = { readonly name: string; readonly job: Omit<PayJob, 'inFlight'>; readonly target: Target }

/** An application in each place, and one bare server. */
async function startTargets(run: Run, places: readonly Place[]) {
  const args = run.text('args').split(' ').filter(Boolean)
  const targets: Started[] = []
  const applications: Application[] = []
  for (const { name, data, people, env } of places) {
    const application = await startApplication({ children: run.children, data, args, env })
    applications.push(application)
    const tokens = await tokensOf(data, application.origin)
    const ids = Array.from({ length: Math.min(people, mostPayers) }, (_, n) => personId(n))
    const job = {
      type: 'job',
      origin: application.origin,
      ca: caOf(data).toString(),
      payers: await Promise.all(ids.map(async (id) => ({ id, token: await tokens(id) }))),
      connections: run.count('connections'),
      seconds: run.count('seconds'),
      http1: run.flag('http1'),
      warmUpSeconds: run.flag('http1') ? 0 : 1,
    } as const
    const { launcher: _, ...pids } = application.pids
    targets.push({ name, job, target: { pids, log: join(data, 'broker') } })
    if (targets.length > 1) continue
    const bare = await startBare(run, data)
    targets.push({ name: 'bare', job: { ...job, origin: bare.origin }, target: { pids: { bare: bare.pid } } })
  }
  const stop = async () => {
    for (const application of applications) await application.stop()
  }
  return { targets, log: applications[0]?.brokers ?? '', stop }
}

/** The client's times, in ms; everything is stopped again. */
async function payOneByOne(run: Run, place: Place): Promise<readonly number[]> {
  const { targets, stop } = await startTargets(run, [place])
  const [streampay] = targets
  if (streampay === undefined) throw new Error('nothing was started')
  const [inFlight = 1] = run.counts('in-flight')
  const connections = Math.min(inFlight, streampay.job.connections)
  const { tookMs } = await paid(run, { ...streampay.job, inFlight, connections }, () => () => undefined)
  await stop()
  return tookMs
}

async function startBare({ children }: Run, data: string): Promise<{ origin: string; pid: number }> {
  const answer = JSON.stringify({
    transactionId: 't0-123456',
    userId: personId(1),
    amount: 1,
    balance: 49_999,
  })
  const main = join(root, 'bench/rivals/bare-main.ts')
  const child = await children.node(['--max-semi-space-size=4', main, join(data, 'gateway'), answer])
  const { port } = await child.message<{ readonly port: number }>('ready')
  return { origin: `https://localhost:${port}`, pid: child.pid }
}

type Target = { readonly pids: Pids /** Whose growth is counted. */; readonly log?: string }

function subjectOf(run: Run, name: string, job: PayJob, target: Target): Subject<Sample> {
  return {
    name,
    async run(round) {
      const sample = await measure(run, job, target)
      const { perSecond = 0, p99Ms = 0 } = sample.figures
      const what = round < 0 ? 'to warm up' : `round ${round + 1}`
      run.print(`${name}, ${job.inFlight} in flight, ${what}: ${perSecond.toFixed(0)}/s, p99 ${p99Ms.toFixed(1)} ms`)
      return sample
    },
  }
}

/** Pays as the job says. `onBegin` is called when the counted time begins, what it returns when it is over. */
async function paid<T>({ children }: Run, job: PayJob, onBegin: () => (payments: number) => T) {
  const load = await children.node([join(root, 'bench/load/pay-main.ts')])
  await load.message('ready')
  const [begun, finished] = [load.message<PayBegin>('begin'), load.message<PayDone>('done')]
  load.process.send(job)
  await begun
  const onEnd = onBegin()
  const { seconds, tookMs, others } = await finished
  const measured = onEnd(tookMs.length)
  await load.ended
  const refused = Object.entries(others)
  if (refused.length > 0) throw new Error(`not every payment was done: ${JSON.stringify(others)}`)
  return { seconds, tookMs, measured }
}

/** One durable record after the other, on the log of the application. */
function appendsOf(run: Run, brokers: string): Subject<Sample> {
  return {
    name: 'append',
    async run() {
      const client = await kafkaLogClient([brokers], `bench-append-${crypto.randomUUID()}`)
      const tookMs: number[] = []
      const seconds = run.count('seconds')
      for (const until = performance.now() + seconds * 1000; performance.now() < until; ) {
        const startedAt = performance.now()
        await client.append(Buffer.alloc(appendBytes))
        tookMs.push(performance.now() - startedAt)
      }
      await client.close()
      const perSecond = tookMs.length / seconds
      return {
        figures: { perSecond, p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) },
        processes: {},
      }
    },
  }
}

async function measure(run: Run, job: PayJob, { pids, log }: Target): Promise<Sample> {
  let bytesBefore = 0
  const { seconds, tookMs, measured } = await paid(run, job, () => {
    const meter = startMeter(pids)
    bytesBefore = log === undefined ? 0 : bytesIn(log)
    return (payments) => meter.end(payments)
  })
  return {
    figures: {
      perSecond: tookMs.length / seconds,
      p50Ms: percentile(tookMs, 0.5),
      p99Ms: percentile(tookMs, 0.99),
      maxMs: Math.max(...tookMs.slice(0, 100_000)),
      ...(log === undefined ? {} : { logBytes: (bytesIn(log) - bytesBefore) / tookMs.length }),
    },
    processes: measured,
  }
}
