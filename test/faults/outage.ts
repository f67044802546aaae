/** The log is down for a while: checks what gateways answer meanwhile, and that streams stay open. */
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

/** A gateway waits 10 s for a reply; the rest allows for a busy machine. */
const longestAnswerMs = 13_000
const heartbeatSeconds = 15
/** The log stays down a little longer, so that heartbeats that are just due still arrive. */
const heartbeatSlackMs = 2_000
/** Commands under way when the log went down may still get an earlier answer. */
const settlingMs = 2_000
const openTimeoutMs = 20_000
const pollEveryMs = 100

export type OutageOptions = {
  readonly log: FaultyLog
  readonly fleet: Fleet
  readonly clients: readonly SseClient[]
  readonly seconds: number
  readonly sleep: (ms: number) => Promise<void>
  /** All answers of clients since the start of the outage. */
  readonly answersSince: (startedAt: number) => readonly Answer[]
}

/** Takes all nodes down, and starts them again after the time. @returns the report, and the violations, in words */
export async function outage(options: OutageOptions): Promise<{ report: OutageReport; faults: string[] }> {
  const { log, fleet, clients, seconds, sleep, answersSince } = options
  const nodes = [...log.proxies.keys()]
  await allOpen(options)
  const before = clients.map(({ isOpen, heartbeats }) => ({ isOpen, heartbeats }))
  const gatewayStarts = fleet.gateways.map(({ starts }) => starts)
  const startedAt = performance.now()
  await Promise.all(nodes.map((node) => log.kill(node)))
  await sleep(seconds * 1_000 + heartbeatSlackMs)
  const endedAt = performance.now()
  const streams = clients.map(({ name, isOpen, lastBreakAt, heartbeats }, index) => ({
    name,
    wasOpen: before[index]?.isOpen === true && isOpen && lastBreakAt < startedAt,
    heartbeats: heartbeats - (before[index]?.heartbeats ?? 0),
  }))
  const answers = answersSince(startedAt).filter(({ at, ms }) => at - ms > startedAt + settlingMs && at < endedAt)
  await Promise.all(nodes.map((node) => log.start(node)))

  const restarted = fleet.gateways.filter(({ starts }, index) => starts !== gatewayStarts[index])
  const faults = [
    ...faultsOf({ seconds, answers, streams }),
    ...restarted.map(({ name }) => `${name} ended while the log was down`),
  ]
  const slowestMs = Math.round(Math.max(0, ...answers.map(({ ms }) => ms)))
  const heartbeats = streams.reduce((sum, stream) => sum + stream.heartbeats, 0)
  return { report: { seconds, answers: countsOf(answers), slowestMs, heartbeats }, faults }
}

/** Ends after a while, too: a stream that is not open by then is reported. */
async function allOpen({ clients, sleep }: OutageOptions): Promise<void> {
  const deadline = performance.now() + openTimeoutMs
  while (!clients.every(({ isOpen }) => isOpen) && performance.now() < deadline) await sleep(pollEveryMs)
}

export type OutageSeen = {
  readonly seconds: number
  /** Answers to commands that were sent after all gateways had time to notice. */
  readonly answers: readonly AnswerTime[]
  /** For every client: whether its stream was open from before to the end, and the heartbeats on it meanwhile. */
  readonly streams: readonly { readonly name: string; readonly wasOpen: boolean; readonly heartbeats: number }[]
}

/** The violations, in words: commands must be answered by 503 in time, and streams must stay open with heartbeats. */
export function faultsOf({ seconds, answers, streams }: OutageSeen): string[] {
  const counts = countsOf(answers)
  const strange = Object.keys(counts).filter((status) => status !== '429' && status !== '503')
  const slow = answers.filter(({ ms }) => ms > longestAnswerMs)
  const wantedBeats = Math.floor(seconds / heartbeatSeconds)
  const silent = streams.filter(({ wasOpen, heartbeats }) => wasOpen && heartbeats < wantedBeats)
  return [
    ...streams
      .filter(({ wasOpen }) => !wasOpen)
      .map(({ name }) => `${name} was not open all the time that the log was down`),
    ...silent.map(({ name }) => `${name} had fewer than ${wantedBeats} heartbeats while the log was down`),
    ...strange.map((status) => `${counts[status]} commands got ${status} while the log was down`),
    ...slow.map(({ path, ms }) => `${path} was answered after ${Math.round(ms)} ms while the log was down`),
    ...(streams.length === 0 ? ['no stream was open while the log was down'] : []),
    // A client without an answer from before the outage asks again within this time.
    ...(counts['503'] === undefined && seconds >= 15 ? ['no command got 503 while the log was down'] : []),
  ]
}

function countsOf(answers: readonly AnswerTime[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of answers) {
    const name = status === undefined ? 'no answer' : String(status)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
