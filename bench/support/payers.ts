/** Clients that pay one cent after another over HTTP/2, and keep the answers and their times. */
import { type ClientHttp2Session, connect } from 'node:http2'
import { problems, slugOf } from '@streampay/domain'
import { percentile } from '../harness/spread.ts'
import { sendPayment } from './whole-answer.ts'

export type PayersOptions = {
  readonly origin: string
  readonly ca: Buffer
  readonly identities: readonly { readonly identity: string; readonly token: string }[]
  readonly clients: number
  readonly connections: number
  /** The share of clients that try again at once and ignore Retry-After. */
  readonly rude: number
  /** Between an answer and the next command. */
  readonly thinkMs: number
  /** Shared by all: no request is sent when it is used up. */
  readonly budget: { requests: number }
}

export type Payers = {
  /** What happened since the last call. */
  take(): Taken
  /** The violations, in words. */
  faults(): string[]
  stop(): Promise<void>
}

export type Taken = {
  /** In one line. */
  readonly text: string
  /** How long each accepted one took, in ms. */
  readonly tookMs: readonly number[]
  /** Payments that were done. */
  readonly accepted: number
  /** Payments that were refused for now. */
  readonly refused: number
}

type Answer = {
  /** 0: no answer came. */
  readonly status: number
  /** In seconds; NaN if there was none. */
  readonly retryAfter: number
  /** Of a problem. */
  readonly type: string
}

const rudePauseMs = 20

export function startPayers(options: PayersOptions): Payers {
  const { origin, ca, identities, budget } = options
  const faults = new Map<string, number>()
  const fault = (text: string) => faults.set(text, (faults.get(text) ?? 0) + 1)
  const sessions: ClientHttp2Session[] = []
  let answers = new Map<string, number>()
  let accepted: number[] = []
  let refused: number[] = []
  let retryAfter: number[] = []
  let connected: number[] = []
  let stopped = false
  const wakes = new Set<() => void>()

  function session(index: number): ClientHttp2Session {
    const at = index % options.connections
    const known = sessions[at]
    if (known !== undefined && !known.closed && !known.destroyed) return known
    const opened = connect(origin, { ca })
    const startedAt = performance.now()
    opened.on('connect', () => connected.push(performance.now() - startedAt))
    opened.on('error', () => undefined)
    sessions[at] = opened
    return opened
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        wakes.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      wakes.add(wake)
    })

  async function run(index: number): Promise<void> {
    const payer = identities[index % identities.length]
    const payee = identities[(index + 1) % identities.length]
    const isRude = index < options.clients * options.rude
    while (!stopped && budget.requests > 0) {
      budget.requests--
      const startedAt = performance.now()
      const answer = await pay(session(index), payer?.token ?? '', payee?.identity ?? '')
      const tookMs = performance.now() - startedAt
      const kind = String(answer.status)
      answers.set(kind, (answers.get(kind) ?? 0) + 1)
      if (answer.status === 429 || answer.status === 503) {
        refused.push(tookMs)
        if (!(answer.retryAfter >= 1)) fault(`${answer.status} without Retry-After`)
        else retryAfter.push(answer.retryAfter)
        await pause(isRude ? rudePauseMs : answer.retryAfter * 1000)
      } else {
        if (answer.status === 200) accepted.push(tookMs)
        // A client without money left gets this refusal.
        else if (
          answer.status !== problems['insufficient-funds'].status ||
          slugOf(answer.type) !== 'insufficient-funds'
        )
          fault(answer.status === 0 ? 'no answer' : `${answer.status} ${answer.type}`.trim())
        await pause(answer.status === 0 ? 1000 : options.thinkMs)
      }
    }
  }

  const running = Array.from({ length: options.clients }, (_, index) => run(index))
  return {
    faults: () => [...faults].map(([text, count]) => `${count} × ${text}`),
    take: () => {
      const counts = [...answers].map(([status, count]) => `${count} × ${status}`).join(', ')
      const text = `${counts}; connected ${figures(connected)}; accepted ${figures(accepted)}; refused ${figures(refused)}; Retry-After ${range(retryAfter)}`
      const taken = { text, tookMs: accepted, accepted: accepted.length, refused: refused.length }
      answers = new Map()
      accepted = []
      refused = []
      retryAfter = []
      connected = []
      return taken
    },
    stop: async () => {
      stopped = true
      for (const wake of [...wakes]) wake()
      await Promise.all(running)
      for (const one of sessions) one.destroy()
    },
  }
}

/** A request without an answer has status 0. */
async function pay(session: ClientHttp2Session, token: string, payee: string): Promise<Answer> {
  const { status, headers, body } = await sendPayment(session, token, payee)
  return { status, retryAfter: Number(headers['retry-after']), type: typeOf(status, body) }
}

/** Of a problem, as far as it is one; what is accepted or refused for now is told by its status alone. */
function typeOf(status: number, body: string): string {
  if ([0, 200, 429, 503].includes(status)) return ''
  try {
    return String((JSON.parse(body) as { readonly type?: unknown } | null)?.type ?? '')
  } catch {
    return 'without JSON'
  }
}

function figures(times: readonly number[]): string {
  if (times.length === 0) return '–'
  const at = (share: number) => percentile(times, share).toFixed(0)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`
}

function range(values: readonly number[]): string {
  return values.length === 0
    ? '–'
    : `${Math.min(...values.slice(0, 10_000))} to ${Math.max(...values.slice(0, 10_000))} s`
}
