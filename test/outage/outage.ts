/**
 * The whole application while its log is away, and when it comes back. Clients pay all the time, each command with its key
 * until its outcome is definite; others watch streams. Everything that anybody was told is held against what must be:
 *
 *  - no command hangs: each is answered within the gateway's bound, and while the log is away with 503 (surely not written), or
 *    504 if it may have been;
 *  - streams stay open, with heartbeats, and go on by themselves on the same connection;
 *  - nobody has to be started again by hand, and afterwards commands are answered and simulated users pay;
 *  - the books balance, and every acknowledged payment is on the ledger once.
 */
import { randomUUID } from 'node:crypto'
import { openHttp1, type TestStream } from '../../packages/gateway/test/support/http-client.ts'
import { auditLog } from '../invariants/ledger.ts'
import { BankClient, type HttpAnswer, type Intent } from '../support/bank-client.ts'
import type { StoppableLog } from '../support/embedded-log.ts'
import { type StreamPay, startStreamPay } from '../support/streampay-process.ts'

export type OutageOptions = {
  readonly log: StoppableLog
  readonly seconds: number
  readonly print: (line: string) => void
}

/** An answer, when it came, and how long it took; both in ms. Status 0: none came. */
type Told = { readonly at: number; readonly status: number; readonly tookMs: number }

const calmMs = 5_000
const backWithinMs = 60_000
/** The gateway's bound for a reply, and a second. */
const longestAnswerMs = 11_000
const heartbeatMs = 15_000
const people = Array.from({ length: 8 }, (_, n) => `outage-${n}`)
const views = ['/current-balance', '/balance-histories', '/activities?last=1']

/** @returns what must not be, in words; empty if all is well */
export async function runOutage({ log, seconds, print }: OutageOptions): Promise<string[]> {
  const faults: string[] = []
  const streamPay = await startStreamPay({ externalBrokers: log.brokers, args: ['--speed', '5'] })
  const bank = new BankClient({ origin: streamPay.origin, ca: streamPay.caCertificate() })
  try {
    const clients = await startClients(bank, seconds * 1000 + 2 * backWithinMs)
    const streams = await openStreams(streamPay, bank)
    await pause(calmMs)
    const stoppedAt = performance.now()
    await log.stop()
    const heartbeatsBefore = streams.map((stream) => stream.heartbeats())
    await pause(seconds * 1000)
    const beats = streams.map((stream, n) => stream.heartbeats() - (heartbeatsBefore[n] ?? 0))
    const startedAt = performance.now()
    await log.start()
    const servingAt = performance.now()
    await clients.allPaidSince(servingAt, backWithinMs)
    const eventsBefore = streams.map((stream) => stream.values().length)
    await pause(calmMs)
    await clients.stop()

    const away = clients.told.filter(({ at }) => at >= stoppedAt && at < startedAt)
    faults.push(...faultsOfAnswers(away), ...faultsOfStreams(streams, { beats, eventsBefore, seconds }))
    print(`before:   ${figures(clients.told.filter(({ at }) => at < stoppedAt))}`)
    print(`away:     ${figures(away)}`)
    print(`after:    ${figures(clients.told.filter(({ at }) => at >= servingAt))}`)
    const backMs = clients.firstPaid(servingAt).map((at) => Math.round(at - servingAt))
    print(`log away for ${seconds} s, started in ${Math.round(servingAt - startedAt)} ms`)
    print(`first payment of each client after the log served again: ${backMs.sort((a, b) => a - b).join(', ')} ms`)
    print(`heartbeats of each stream while the log was away: ${beats.join(', ')}`)
    for (const line of restartsIn(streamPay.output())) print(line)
    if (/can't run|can’t be kept/.test(streamPay.output())) faults.push('a service was given up')
    const { faults: found, acknowledged } = await auditLog(log.brokers, clients.intents)
    faults.push(...clients.faults, ...found)
    print(`audit: ${acknowledged} acknowledged payments, ${found.length} faults`)
    for (const stream of streams) stream.close()
  } catch (error) {
    faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    print(streamPay.output().split('\n').slice(-30).join('\n'))
  } finally {
    bank.close()
    const code = await streamPay.stop()
    if (code !== 0) faults.push(`StreamPay ended with ${code}`)
  }
  return faults
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function startClients(bank: BankClient, settleWithinMs: number) {
  const told: Told[] = []
  const intents: Intent[] = []
  const faults: string[] = []
  /** When each client was told of a payment, in order. */
  const paid = new Map<string, number[]>(people.map((identity) => [identity, []]))
  const paidBefore = (at: number) => people.map((identity) => paid.get(identity)?.find((time) => time >= at))
  let stopped = false

  async function ask(intent: Intent): Promise<HttpAnswer | undefined> {
    const startedAt = performance.now()
    const before = intent.unclear.length
    const answer = await bank.send(intent)
    const status = answer?.status ?? Number(/^\d+/.exec(intent.unclear.slice(before).at(-1) ?? '')?.[0] ?? 0)
    told.push({ at: performance.now(), status, tookMs: performance.now() - startedAt })
    return answer
  }

  async function settle(method: string, path: string, identity: string, body: Intent['body']): Promise<Intent> {
    const intent: Intent = { identity, method, path, body, key: randomUUID(), unclear: [], answer: undefined }
    intents.push(intent)
    for (const deadline = performance.now() + settleWithinMs; intent.answer === undefined; ) {
      if (performance.now() > deadline)
        throw new Error(`${path} of ${identity} has no outcome: ${intent.unclear.at(-1)}`)
      intent.answer = await ask(intent)
      await pause(100)
    }
    return intent
  }

  async function live(identity: string, index: number): Promise<void> {
    const payee = people[(index + 1) % people.length] ?? ''
    while (!stopped) {
      const { answer } = await settle('POST', '/pay', identity, { userId: payee, amount: 1 })
      if (answer?.status === 200) paid.get(identity)?.push(performance.now())
      else if (answer?.status !== 409)
        faults.push(`${identity} was told ${answer?.status} ${JSON.stringify(answer?.body)}`)
    }
  }

  await Promise.all(
    people.map((identity) => settle('PUT', '/current-user', identity, { name: identity, username: identity })),
  )
  told.length = 0
  const living = people.map(live)
  return {
    told,
    intents,
    faults,
    firstPaid: (at: number) => paidBefore(at).map((time) => time ?? Number.NaN),
    /** Everybody has been told of a payment since then. */
    allPaidSince: async (at: number, withinMs: number) => {
      while (paidBefore(at).includes(undefined)) {
        if (performance.now() - at > withinMs)
          throw new Error(`not all could pay within ${withinMs} ms after the log was back`)
        await Promise.race([pause(100), ...living])
      }
    },
    stop: async () => {
      stopped = true
      await Promise.all(living)
    },
  }
}

async function openStreams(streamPay: StreamPay, bank: BankClient): Promise<TestStream[]> {
  const http = openHttp1(Number(new URL(streamPay.origin).port))
  const token = await bank.token(people[0] ?? '')
  return Promise.all(views.map((view) => http.stream(view, { token })))
}

function faultsOfAnswers(away: readonly Told[]): string[] {
  const faults: string[] = []
  const others = away.filter(({ status }) => ![200, 409, 429, 503, 504].includes(status))
  if (others.length > 0) faults.push(`${others.length} answers while the log was away, such as ${others[0]?.status}`)
  const slow = away.filter(({ tookMs }) => tookMs > longestAnswerMs)
  if (slow.length > 0) faults.push(`${slow.length} answers took up to ${longest(slow)} ms`)
  if (!away.some(({ status }) => status === 503)) faults.push('nobody was told 503 while the log was away')
  return faults
}

function faultsOfStreams(
  streams: readonly TestStream[],
  seen: { readonly beats: readonly number[]; readonly eventsBefore: readonly number[]; readonly seconds: number },
): string[] {
  const least = Math.floor((seen.seconds * 1000) / heartbeatMs) - 1
  return streams.flatMap((stream, n) => {
    const faults: string[] = []
    if (stream.isEnded()) faults.push(`the stream of ${views[n]} ended`)
    if ((seen.beats[n] ?? 0) < least)
      faults.push(`the stream of ${views[n]} had ${seen.beats[n]} heartbeats, not ${least}`)
    if (stream.events.some(({ event }) => event === 'reset')) faults.push(`the stream of ${views[n]} was reset`)
    if (stream.values().length <= (seen.eventsBefore[n] ?? 0)) faults.push(`the stream of ${views[n]} did not go on`)
    return faults
  })
}

function restartsIn(output: string): string[] {
  return output.split('\n').filter((line) => /starting it again|ready again/.test(line))
}

function figures(told: readonly Told[]): string {
  const byStatus = Map.groupBy(told, ({ status }) => status)
  const texts = [...byStatus].map(([status, some]) => {
    const sorted = some.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
    const at = (share: number) =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
    return `${some.length} × ${status} (p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms)`
  })
  return texts.join(', ')
}

function longest(told: readonly Told[]): number {
  return Math.round(told.reduce((most, { tookMs }) => Math.max(most, tookMs), 0))
}
