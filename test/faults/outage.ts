/** The log is away for a while: what gateways say meanwhile, and that streams stay open. */
import type { AnswerTime } from '../support/bank-client.ts'
import type { FaultyLog } from './faulty-log.ts'
import type { Fleet } from './fleet.ts'
import type { SseClient } from './sse-client.ts'

export type Answer = AnswerTime & { readonly at: number }

export type OutageReport = {
  readonly seconds: number
  /** Answers to commands that were sent while the log was down, by status. */
  readonly answers: Readonly<Record<string, number>>
  readonly slowestMs: number
  readonly heartbeats: number
}

/** A gateway waits 10 s for a reply; the rest is for a busy machine. */
const longestAnswerMs = 13_000
const heartbeatMs = 15_000
/** What was under way when the log went down may still be answered from before. */
const settlingMs = 2_000

export type OutageOptions = {
  readonly log: FaultyLog
  readonly fleet: Fleet
  readonly clients: readonly SseClient[]
  readonly seconds: number
  readonly sleep: (ms: number) => Promise<void>
  /** Everything that clients were answered since the start of the outage. */
  readonly answersSince: (startedAt: number) => readonly Answer[]
}

/** Takes all nodes down, and starts them again after the time. @returns the report, and what must not be, in words */
export async function outage(options: OutageOptions): Promise<{ report: OutageReport; faults: string[] }> {
  const { log, fleet, clients, seconds, sleep, answersSince } = options
  const nodes = [...log.proxies.keys()]
  const open = clients.filter((client) => client.isOpen)
  const heartbeatsBefore = new Map(open.map((client) => [client, client.heartbeats]))
  const gatewayStarts = fleet.gateways.map(({ starts }) => starts)
  const startedAt = performance.now()
  await Promise.all(nodes.map((node) => log.kill(node)))
  await sleep(seconds * 1_000)
  const endedAt = performance.now()
  const broken = open.filter((client) => client.lastBreakAt > startedAt)
  const beats = open.map((client) => client.heartbeats - (heartbeatsBefore.get(client) ?? 0))
  const answers = answersSince(startedAt).filter(({ at, ms }) => at - ms > startedAt + settlingMs && at < endedAt)
  await Promise.all(nodes.map((node) => log.start(node)))

  const wantedBeats = Math.floor((endedAt - startedAt) / heartbeatMs)
  const silent = open.filter((_, index) => (beats[index] ?? 0) < wantedBeats)
  const slowest = answers.toSorted((left, right) => right.ms - left.ms)[0]
  const slowestMs = Math.round(slowest?.ms ?? 0)
  const counts = countsOf(answers)
  const strange = Object.keys(counts).filter((status) => !['429', '503', '504'].includes(status))
  const restarted = fleet.gateways.filter(({ starts }, index) => starts !== gatewayStarts[index])
  const faults = [
    ...broken.map((client) => `${client.name} broke while the log was down`),
    ...silent.map((client) => `${client.name} had fewer than ${wantedBeats} heartbeats while the log was down`),
    ...strange.map((status) => `${counts[status]} commands got ${status} while the log was down`),
    ...restarted.map(({ name }) => `${name} ended while the log was down`),
    ...(slowestMs > longestAnswerMs
      ? [`${slowest?.path} was answered after ${slowestMs} ms while the log was down`]
      : []),
    ...(answers.length === 0 && seconds > 15 ? ['no command was answered while the log was down'] : []),
  ]
  const heartbeats = beats.reduce((sum, count) => sum + count, 0)
  return { report: { seconds, answers: counts, slowestMs, heartbeats }, faults }
}

function countsOf(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of answers) {
    const name = status === undefined ? 'no answer' : String(status)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
