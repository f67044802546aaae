import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { copyOf, grownFolder } from '../grow/grow.ts'
import { personId } from '../grow/history.ts'
import { startMeter } from '../harness/meter.ts'
import type { Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import { percentile } from '../harness/spread.ts'
import { type Application, caOf, startApplication } from '../support/application.ts'
import { type Payers, type PayersOptions, startPayers, type Taken } from '../support/payers.ts'
import { root } from '../support/services.ts'
import { tokensOf } from '../support/tokens.ts'

const people = 300
const calmClients = 20
const quietSeconds = 10
const mostRequests = 400_000
const commandsOfOne = 10
const slowPeriodMs = 100

/**
 * Some calm clients pay before, during and after a flood of other clients, who pay as fast as they are answered; some of those ignore
 * Retry-After. The run fails if a service was restarted, a refusal came without Retry-After, a client got an answer that no payment can
 * have, nothing of a flood was accepted, calm clients were refused before it or after it, or the books do not balance. Bounded by the
 * seconds, and by 400,000 requests.
 */
export const overload: Scenario = {
  name: 'overload',
  summary: 'a flood of payments beyond what the application can do: what calm clients see of it',
  options: {
    clients: { type: 'string', fallback: '3000', help: 'of a flood' },
    seconds: { type: 'string', fallback: '20', help: 'of a flood' },
    'rude-percent': { type: 'string', fallback: '33', help: 'of its clients who do not wait for Retry-After' },
    floods: { type: 'string', fallback: '1', help: 'one after the other' },
    'slow-percent': {
      type: 'string',
      fallback: '0',
      help: 'of every tenth of a second in which the payments process is stopped, so that it can do no more',
    },
    args: { type: 'string', fallback: '', help: 'more options for npm start, such as "--gateways 2"' },
  },
  plots: [{ figure: 'p99Ms', title: 'p99 of the accepted payments of calm clients, ms' }],
  maxMinutes: 30,
  async run(run) {
    const folder = await grownFolder({ payments: 0, people, merchantPercent: 0, hours: 1 }, run)
    const data = copyOf(folder, run)
    const args = ['--no-simulation', ...run.text('args').split(' ').filter(Boolean)]
    const application = await startApplication({ children: run.children, data, args })
    const flooded = await floods(run, application, data)
    const faults = [...flooded.faults, ...(await audited(run, application))]
    await application.stop()
    rmSync(data, { recursive: true, force: true })
    if (faults.length > 0) throw new Error(`the overload was not handled as required:\n${faults.join('\n')}`)
    return { measurements: flooded.measurements }
  },
}

type Flooded = { readonly measurements: Measurement[]; readonly faults: string[] }

async function floods(run: Run, application: Application, data: string): Promise<Flooded> {
  const tokens = await tokensOf(data, application.origin)
  const identities = await Promise.all(
    Array.from({ length: people }, async (_, n) => ({ identity: personId(n), token: await tokens(personId(n)) })),
  )
  const load = { origin: application.origin, ca: caOf(data), identities, budget: { requests: mostRequests } }
  const slow = slowDown(application.pids.payments ?? 0, run.count('slow-percent') / 100)
  const calm = startPayers({ ...load, clients: calmClients, connections: 4, rude: 0, thinkMs: 20 })
  const phases = new Phases(run, application, calm)
  await phases.quiet('before')
  for (let nth = 1; nth <= run.count('floods'); nth++) await flood(run, { load, phases, calm, nth })
  await phases.quiet('later')
  await calm.stop()
  slow.stop()
  phases.faults.push(...calm.faults().map((fault) => `calm clients: ${fault}`))
  return phases
}

type Flood = {
  readonly load: Omit<PayersOptions, 'clients' | 'connections' | 'rude' | 'thinkMs'>
  readonly phases: Phases
  readonly calm: Payers
  readonly nth: number
}

async function flood(run: Run, { load, phases, calm, nth }: Flood): Promise<void> {
  const lag = monitorEventLoopDelay()
  lag.enable()
  const clients = run.count('clients')
  const connections = Math.ceil(clients / commandsOfOne)
  const payers = startPayers({ ...load, clients, connections, rude: run.count('rude-percent') / 100, thinkMs: 0 })
  await phases.during(`during flood ${nth}`, run.count('seconds'))
  lag.disable()
  await payers.stop()
  const flooded = payers.take()
  if (flooded.accepted === 0) phases.faults.push(`nothing of flood ${nth} was accepted`)
  run.print(
    `flood ${nth}: ${flooded.text} (event loop of the clients: p99 ${(lag.percentile(99) / 1e6).toFixed(0)} ms)`,
  )
  phases.faults.push(...payers.faults().map((fault) => `flood ${nth}: ${fault}`))
  calm.take()
  await phases.quiet(`after flood ${nth}`)
}

/** The answers of the calm clients, phase by phase. */
class Phases implements Flooded {
  readonly measurements: Measurement[] = []
  readonly faults: string[] = []
  readonly #run: Run
  readonly #application: Application
  readonly #calm: Payers

  constructor(run: Run, application: Application, calm: Payers) {
    this.#run = run
    this.#application = application
    this.#calm = calm
  }

  /** Without a flood, every client is served. */
  async quiet(name: string): Promise<void> {
    const { accepted, refused } = await this.during(name, quietSeconds)
    if (accepted === 0) this.faults.push(`no calm client was served ${name}`)
    if (refused > 0) this.faults.push(`calm clients were refused ${refused} times ${name}`)
  }

  /** A service that was restarted meanwhile fails the meter. */
  async during(name: string, seconds: number): Promise<Taken> {
    const meter = startMeter(this.#application.pids)
    await delay(seconds * 1000)
    const taken = this.#calm.take()
    this.#run.print(`calm clients ${name}: ${taken.text}`)
    if (taken.accepted > 0) {
      const { tookMs, accepted } = taken
      const figures = { perSecond: accepted / seconds, p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) }
      const sample: Sample = { figures, processes: meter.end(accepted) }
      this.measurements.push({ subject: 'calm clients', case: name, unit: 'payment of theirs', samples: [sample] })
    }
    return taken
  }
}

/** Pauses the process for a share of every tenth of a second. */
function slowDown(pid: number, share: number): { stop(): void } {
  if (share === 0) return { stop: () => undefined }
  const go = () => process.kill(pid, 'SIGCONT')
  const timer = setInterval(() => {
    process.kill(pid, 'SIGSTOP')
    setTimeout(go, slowPeriodMs * share)
  }, slowPeriodMs)
  return {
    stop: () => {
      clearInterval(timer)
      go()
    },
  }
}

async function audited({ children }: Run, { brokers }: Application): Promise<string[]> {
  const child = await children.node([join(root, 'apps/audit/src/main.ts'), '--brokers', brokers])
  const how = await child.ended
  return how === 0 ? [] : [`the audit ended with ${how}`]
}
