import { rmSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { setTimeout as delay } from 'node:timers/promises'
import { copyOf, grownFolder } from '../grow/grow.ts'
import { personId } from '../grow/history.ts'
import { startMeter } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Sample, Scenario } from '../harness/scenario.ts'
import { percentile } from '../harness/spread.ts'
import { caOf, startApplication } from '../support/application.ts'
import { tokensOf } from '../support/tokens.ts'
import { wholeAnswer } from '../support/whole-answer.ts'

/** Below the rate limit for one person's reads. */
const pauseMs = 12

/**
 * The statement is that of the person whom all others pay, who sends one request after the other; several people search at the same time,
 * since the cost of a single request is mostly that of waking up. CPU is that of the gateway for a request.
 */
export const reads: Scenario = {
  name: 'reads',
  summary: 'pages of a very long statement, and searches among very many people',
  options: {
    payments: { type: 'string', fallback: '1e6', help: 'all to one person' },
    people: { type: 'string', fallback: '1e6', help: 'at most as many as payments' },
    requests: { type: 'string', fallback: '300', help: 'of each kind, round and reader' },
    searchers: { type: 'string', fallback: '8', help: 'people who search at the same time' },
    rounds: { type: 'string', fallback: '3', help: 'of each, in turns' },
  },
  plots: [
    { figure: 'p99Ms', title: 'p99 of a request, ms' },
    { figure: 'cpuMsPerUnit', title: 'CPU ms of the gateway for a request' },
  ],
  maxMinutes: 60,
  async run(run) {
    const payments = run.count('payments')
    const people = Math.max(20, Math.min(run.count('people'), payments))
    const data = copyOf(await grownFolder({ payments, people, merchantPercent: 100, hours: 1 }, run), run)
    const application = await startApplication({ children: run.children, data, args: ['--no-simulation'] })
    const tokenOf = await tokensOf(data, application.origin)
    const tokens = await Promise.all(Array.from({ length: run.count('searchers') }, (_, n) => tokenOf(personId(n))))
    const session = connect(application.origin, { ca: caOf(data) })
    const gateway = { session, pid: application.pids.gateway ?? 0, requests: run.count('requests') }
    const payee = { ...gateway, tokens: tokens.slice(0, 1) }
    const searchers = { ...gateway, tokens }
    const values = await inTurns(
      [
        readsOf(payee, 'the newest page of the statement', () => '/transactions?limit=100'),
        readsOf(payee, 'one page of the statement after the other', (before) => `/transactions?limit=100${before}`),
        ...['anna', 'grace 7', 'person-00001', 'zzz'].map((text) =>
          readsOf(searchers, `search for "${text}"`, () => `/users?search=${encodeURIComponent(text)}`),
        ),
      ],
      { rounds: run.count('rounds'), warmUps: 1 },
    )
    session.destroy()
    await application.stop()
    rmSync(data, { recursive: true, force: true })
    const name = `${payments.toLocaleString('en')} entries, ${people.toLocaleString('en')} people`
    return {
      measurements: [...values].map(([subject, samples]) => ({ subject, case: name, unit: 'request', samples })),
    }
  },
}

type Client = {
  readonly session: ClientHttp2Session
  /** For people who send requests at the same time. */
  readonly tokens: readonly string[]
  readonly pid: number
  readonly requests: number
}

/** @param pathOf is given what leads to the page before, once there was one */
function readsOf(
  { session, tokens, pid, requests }: Client,
  name: string,
  pathOf: (before: string) => string,
): Subject<Sample> {
  return {
    name,
    async run() {
      const tookMs: number[] = []
      const readAll = async (token: string) => {
        let before = ''
        for (let n = 0; n < requests; n++) {
          const startedAt = performance.now()
          const body = await get(session, { token, path: pathOf(before) })
          tookMs.push(performance.now() - startedAt)
          const { before: older = null } = JSON.parse(body) as { readonly before?: string | null }
          before = older === null ? '' : `&before=${older}`
          await delay(pauseMs)
        }
      }
      const meter = startMeter({ gateway: pid })
      await Promise.all(tokens.map(readAll))
      return {
        figures: { p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) },
        processes: meter.end(requests * tokens.length),
      }
    },
  }
}

async function get(
  session: ClientHttp2Session,
  { token, path }: { readonly token: string; readonly path: string },
): Promise<string> {
  const headers = { ':path': path, authorization: `Bearer ${token}`, accept: 'application/json' }
  const { status, body, error } = await wholeAnswer(session, headers)
  if (error !== undefined) throw error
  if (status !== 200) throw new Error(`${path} was answered with ${status}: ${body.slice(0, 200)}`)
  return body
}
