/**
 * One run: the system is started, put under load and followed by streams, and the nemesis causes faults; then
 * everything is healed, becomes quiet, and is compared with the log.
 */
import { mkdirSync } from 'node:fs'
import { topicNamed, topicNames } from '@streampay/domain'
import { partitionForKey } from '@streampay/kafka'
import { type AnswerTime, BankClient } from '../support/bank-client.ts'
import { isAcknowledgedPayment } from '../support/ledger-check.ts'
import { type Load, startLoad } from '../support/load.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { type Coverage, neverDone } from './coverage.ts'
import { checkAtTheEnd } from './end-checks.ts'
import { faultKinds, healAll, type Scene } from './fault-kinds.ts'
import type { FaultyLog } from './faulty-log.ts'
import { type Fleet, openFleet } from './fleet.ts'
import { MemoryPeaks } from './memory.ts'
import { Nemesis } from './nemesis.ts'
import { openFaultyLog } from './open-faulty-log.ts'
import type { HarnessOptions } from './options.ts'
import { type Answer, type OutageReport, outage } from './outage.ts'
import { RecoveryProbe } from './recovery-probe.ts'
import { SseClient } from './sse-client.ts'
import { countBy, type Summary, timesByKind, timesOf } from './summary.ts'
import { turns } from './turns.ts'
import { watchedViews } from './watched-views.ts'

export type HarnessPlaces = { readonly folder: string; readonly logs: string }

const warmUpMs = 3_000
const settleTimeoutMs = 180_000
const callTimeoutMs = 15_000
const progressEveryMs = 10_000
/** The mean time after which a user goes to another page. */
const streamReconnectEveryMs = 4_000
/** Over HTTP/2, over HTTP/1.1, and as one of several views of one stream. */
const clientsOfOneView = 3
const loops = { pay: 10, request: 6, race: 2, duplicate: 3, open: 1, repeat: 2, giveUp: 4 }

export class Harness {
  readonly #options: HarnessOptions
  readonly #places: HarnessPlaces
  /** Ends all waits and repetitions. */
  readonly #over = new AbortController()
  readonly #startedAt = performance.now()
  readonly #violations: string[] = []
  readonly #ownExits: string[] = []
  readonly #answers: Answer[] = []
  readonly #answerCounts: Record<string, number> = {}
  #log: FaultyLog | undefined
  #fleet: Fleet | undefined
  #bank: BankClient | undefined
  #load: Load | undefined
  #probe: RecoveryProbe | undefined
  #nemesis: Nemesis | undefined
  #memory: MemoryPeaks | undefined
  #clients: SseClient[] = []
  readonly #found = new AbortController()
  #loadedAt = performance.now()
  /** When the first violation was found, from the beginning of the load. */
  #foundAfterMs: number | undefined
  #outage: OutageReport | undefined
  #workMs = 0

  constructor(options: HarnessOptions, places: HarnessPlaces) {
    this.#options = options
    this.#places = places
  }

  /** Never rejects: every error is a violation. */
  async run(): Promise<Summary> {
    const progress = setInterval(() => this.#printProgress(), progressEveryMs)
    try {
      await this.#work()
    } catch (error) {
      this.#violation(error instanceof Error ? (error.stack ?? error.message) : String(error))
    } finally {
      clearInterval(progress)
      await this.#close()
    }
    return this.#summary()
  }

  /** Ends all processes at once. */
  destroy(): void {
    this.#fleet?.destroy()
    this.#log?.destroy()
  }

  async #work(): Promise<void> {
    const { log, fleet } = await this.#startSystem()
    const { bank, load, probe } = await this.#startClients(log, fleet)
    await this.#sleep(warmUpMs)
    if (this.#options.outageSeconds > 0) await this.#takeLogDown({ log, fleet, probe })
    await this.#letNemesisWork({ log, fleet, probe })
    this.#note('the load ends')
    await Promise.all([load.stop(), probe.finish()])
    const intents = [...load.intents, ...probe.intents]
    const { givenUp } = load
    const clients = this.#clients
    const note = (line: string) => this.#note(line)
    for (const fault of await checkAtTheEnd({ fleet, log, bank, intents, givenUp, clients, note })) {
      this.#violation(fault)
    }
    await probe.recovered(settleTimeoutMs, this.#over.signal)
    // A violation ends the run before everything has happened.
    if (this.#violations.length === 0) for (const lack of neverDone(this.#coverage())) this.#violation(lack)
  }

  #coverage(): Coverage {
    const { commands, faults, streams } = this.#summary()
    const outcomes = Object.entries(commands.outcomes)
    return {
      faults: this.#options.faults.length === 0 ? undefined : sumOf(Object.values(faults)),
      acknowledged: commands.acknowledgedPayments,
      refused: sumOf(outcomes.filter(([status]) => Number(status) >= 400).map(([, count]) => count)),
      repeats: this.#load?.tally.repeats ?? 0,
      streamEvents: streams.events,
      reconnects: sumOf(this.#clients.map(({ connects }) => Math.max(0, connects - 1))),
    }
  }

  async #startSystem(): Promise<{ log: FaultyLog; fleet: Fleet }> {
    const { options, folder, logs } = { options: this.#options, ...this.#places }
    mkdirSync(logs, { recursive: true })
    this.#note(`starting ${options.log}`)
    const onOwnExit = (
      name: string,
      { code, signal, lastWords }: { code: unknown; signal: unknown; lastWords: string },
    ) => {
      this.#ownExits.push(name)
      this.#note(`${name} ended by itself (${signal ?? code}): ${lastWords.slice(0, 300)}`)
    }
    const log = await openFaultyLog(options.log, { folder, logs }, onOwnExit)
    this.#log = log
    this.#note('starting the services')
    const { brokers, replicationFactor } = log
    const { seed, simulationSpeed, standbys } = options
    const settings = { seed, simulationSpeed, standbys, folder, logs, onOwnExit }
    const fleet = await openFleet({ ...settings, brokers, replicationFactor })
    this.#fleet = fleet
    await fleet.start(options.processes)
    this.#memory = new MemoryPeaks(() => [
      ...log.pids(),
      ...fleet.all.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid] as const])),
    ])
    return { log, fleet }
  }

  async #startClients(log: FaultyLog, fleet: Fleet) {
    const { seed, people, rate } = this.#options
    const partitions = topicNamed(topicNames.commands).partitions
    const partitionOf = (identity: string) => partitionForKey(identity, partitions)
    const bank = new BankClient({
      origins: fleet.origins,
      ca: fleet.ca,
      random: new SeededRandom(`${seed}/gateways`).fraction,
      callTimeoutMs,
      onAnswer: (answer) => this.#countAnswer(answer),
    })
    this.#bank = bank
    const probe = new RecoveryProbe({ bank, seed, partitions, partitionOf })
    this.#probe = probe
    await probe.open()
    this.#loadedAt = performance.now()
    const load = await startLoad({
      bank,
      seed,
      random: new SeededRandom(`${seed}/load`).fraction,
      partitionOf,
      people,
      loops,
      settleTimeoutMs,
      turn: turns(rate),
      signal: this.#over.signal,
      // At the end, loops that still wait are cut short: that is no violation.
      onFault: (fault) => {
        if (!this.#over.signal.aborted) this.#violation(fault)
      },
    })
    this.#load = load
    this.#startStreams(fleet, bank)
    this.#note(`under load on ${log.brokers.join(', ')}, gateways at ${fleet.origins.join(' and ')}`)
    return { bank, load, probe }
  }

  #startStreams(fleet: Fleet, bank: BankClient): void {
    const { seed } = this.#options
    for (const view of watchedViews) {
      for (let number = 0; number < clientsOfOneView; number++) {
        const client = new SseClient({
          view,
          // Three people of the load, mostly of different partitions.
          identity: `client-${seed}-${number}`,
          origins: fleet.origins,
          ca: fleet.ca,
          token: (identity) => bank.token(identity),
          random: new SeededRandom(`${seed}/${view.path}/${number}`),
          protocol: number % 2 === 0 ? 'http2' : 'http1',
          through: number === clientsOfOneView - 1 ? 'live' : 'view',
        })
        client.start()
        this.#clients.push(client)
      }
    }
  }

  async #takeLogDown({ log, fleet, probe }: { log: FaultyLog; fleet: Fleet; probe: RecoveryProbe }): Promise<void> {
    const seconds = this.#options.outageSeconds
    this.#note(`the log is down for ${seconds} s`)
    const { report, faults } = await outage({
      log,
      fleet,
      clients: this.#clients,
      seconds,
      sleep: (ms) => this.#sleep(ms),
      answersSince: (startedAt) => this.#answers.filter(({ at }) => at >= startedAt),
    })
    this.#outage = report
    for (const fault of faults) this.#violation(fault)
    const endedAt = performance.now()
    const recoveredAt = await probe.recovered(settleTimeoutMs, this.#over.signal)
    if (recoveredAt !== undefined)
      this.#note(`answered again ${Math.round(recoveredAt - endedAt)} ms after the log served`)
  }

  async #letNemesisWork({ log, fleet, probe }: { log: FaultyLog; fleet: Fleet; probe: RecoveryProbe }): Promise<void> {
    const { seed, minutes, faults } = this.#options
    const timeUp = AbortSignal.timeout(minutes * 60_000)
    const signal = AbortSignal.any([timeUp, this.#over.signal, this.#found.signal])
    const random = new SeededRandom(`${seed}/nemesis`)
    const note = (line: string) => this.#note(line)
    const scene: Scene = { fleet, log, random, sleep: (ms) => sleep(ms, signal), note }
    const reconnects = new SeededRandom(`${seed}/reconnects`)
    const closing = setInterval(() => reconnects.pick(this.#clients).reconnect(), streamReconnectEveryMs)
    const startedAt = performance.now()
    try {
      const kinds = faultKinds.filter(({ kind }) => faults.includes(kind))
      if (kinds.length === 0) return await scene.sleep(minutes * 60_000)
      this.#nemesis = new Nemesis({ scene, kinds, probe, note, signal })
      await this.#nemesis.run()
    } finally {
      clearInterval(closing)
      this.#workMs = performance.now() - startedAt
      await healAll(scene)
    }
  }

  async #close(): Promise<void> {
    this.#over.abort()
    this.#memory?.stop()
    await Promise.all([this.#load?.stop(), ...this.#clients.map((client) => client.stop())])
    this.#bank?.close()
    try {
      await this.#fleet?.stop()
      await this.#log?.close()
    } catch (error) {
      this.#violation(`the end: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** The first violation ends the work of the nemesis: later ones would tell no more. */
  #violation(text: string): void {
    this.#violations.push(text)
    if (this.#foundAfterMs !== undefined) return
    this.#foundAfterMs = performance.now() - this.#loadedAt
    this.#note(`VIOLATION ${text}`)
    this.#found.abort()
  }

  #countAnswer(answer: AnswerTime): void {
    const name = String(answer.status ?? 'none')
    this.#answerCounts[name] = (this.#answerCounts[name] ?? 0) + 1
    // Only the outage reads single answers.
    if (this.#options.outageSeconds > 0 && this.#outage === undefined) {
      this.#answers.push({ ...answer, at: performance.now() })
    }
  }

  #sleep(ms: number): Promise<void> {
    return sleep(ms, this.#over.signal)
  }

  #note(line: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1)
    console.log(`${seconds.padStart(7)}  ${line}`)
  }

  #printProgress(): void {
    const load = this.#load
    if (load === undefined) return
    const givenUp = new Set(load.givenUp)
    const waiting = load.intents.filter((intent) => intent.answer === undefined && !givenUp.has(intent)).length
    const events = sumOf(this.#clients.map((client) => client.events))
    const running = this.#fleet?.runningPayments.length ?? 0
    this.#note(
      `… ${load.intents.length} commands, ${waiting} without an answer, ${events} events, ${running} payments processes, ` +
        `${this.#nemesis?.now ?? 'no nemesis'}`,
    )
  }

  #summary(): Summary {
    const { seed, log, minutes, outageSeconds, faults, processes } = this.#options
    const intents = [...(this.#load?.intents ?? []), ...(this.#probe?.intents ?? [])]
    const clients = this.#clients
    const sum = (count: (client: SseClient) => number) => sumOf(clients.map(count))
    const recoveries = this.#nemesis?.recoveries ?? []
    const outageOption = outageSeconds > 0 ? ` --outage ${outageSeconds}` : ''
    const processesOption = processes === 1 ? '' : ` --processes ${processes}`
    const faultsOption = faults.length === faultKinds.length ? '' : ` --faults ${faults.join(',') || 'none'}`
    return {
      seed,
      log,
      command: `npm run test:faults -- --log ${log} --minutes ${minutes}${outageOption}${processesOption}${faultsOption} --seed ${seed}`,
      seconds: Math.round(this.#workMs / 1_000),
      isClean: this.#violations.length === 0,
      violations: this.#violations,
      ...(this.#foundAfterMs === undefined ? {} : { foundAfterSeconds: Math.round(this.#foundAfterMs / 1_000) }),
      commands: {
        intents: intents.length,
        outcomes: countBy(intents, ({ answer }) => String(answer?.status ?? 'none')),
        answers: this.#answerCounts,
        tally: this.#load?.tally ?? {},
        givenUp: this.#load?.givenUp.length ?? 0,
        acknowledgedPayments: intents.filter(isAcknowledgedPayment).length,
      },
      faults: this.#nemesis?.counts ?? {},
      recovery: timesOf(recoveries),
      recoveryByKind: timesByKind(recoveries),
      outage: this.#outage,
      streams: {
        clients: clients.length,
        events: sum((client) => client.events),
        connects: sum((client) => client.connects),
        heartbeats: sum((client) => client.heartbeats),
        resets: sum((client) => client.resets.length),
      },
      peakMemory: this.#memory?.peaks ?? {},
      ownExits: countBy(this.#ownExits, (name) => name),
    }
  }
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Ends early when the signal aborts. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const wake = () => resolve()
  signal.addEventListener('abort', wake, { once: true })
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', wake)
}
