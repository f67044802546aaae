/**
 * A flood of commands beyond what the application can do, against the whole of it as `npm start` runs it. Some calm clients
 * pay before, during and after; in between, thousands of others pay as fast as they are answered, part of them without any
 * regard for Retry-After. Tells what everybody was answered, how long the accepted ones took, and the memory of every
 * service; ends 1 if a service was restarted, a refusal came without Retry-After, anybody was told what no payment can be
 * told, nothing of a flood was accepted, calm clients were refused before it or after it, or the books do not balance.
 *
 *     node bench/scenarios/overload.ts [--clients 3000] [--seconds 20] [--rude 0.33] [--floods 1] [--slow 0.8] [--args "--gateways 2"]
 *
 * With --slow the payments process is stopped for that share of every tenth of a second, so that it, and not the gateway, is
 * what can do no more.
 * Bounded: by the seconds, and by 400,000 requests.
 */
import { execFile } from 'node:child_process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { BankClient } from '../../test/support/bank-client.ts'
import { newIntent } from '../../test/support/intent.ts'
import { startStreamPay } from '../../test/support/streampay-process.ts'
import { watchMemory } from '../support/memory.ts'
import { startPayers, type Taken } from '../support/payers.ts'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '3000' },
    seconds: { type: 'string', default: '20' },
    rude: { type: 'string', default: '0.33' },
    floods: { type: 'string', default: '1' },
    slow: { type: 'string', default: '0' },
    args: { type: 'string', default: '' },
  },
})
const seconds = Number(values.seconds)
const calmClients = 20
const quietSeconds = 10
const mostRequests = 400_000
const commandsOfOne = 10

const streamPay = await startStreamPay({ args: ['--no-simulation', ...values.args.split(' ').filter(Boolean)] })
const faults: string[] = []
try {
  const identities = await register()
  const memory = watchMemory(streamPay.dataDir)
  const load = { origin: streamPay.origin, ca: streamPay.caCertificate(), identities }
  const budget = { requests: mostRequests }
  const slow = slowDown(streamPay.pidOf('payments'), Number(values.slow))
  const calm = startPayers({ ...load, clients: calmClients, connections: 4, rude: 0, thinkMs: 20, budget })

  await calmPhase('before')
  for (let nth = 1; nth <= Number(values.floods); nth++) {
    const delay = monitorEventLoopDelay()
    delay.enable()
    const flood = startPayers({
      ...load,
      clients: Number(values.clients),
      connections: Math.ceil(Number(values.clients) / commandsOfOne),
      rude: Number(values.rude),
      thinkMs: 0,
      budget,
    })
    await phase(`during flood ${nth}`, seconds)
    delay.disable()
    await flood.stop()
    const flooded = flood.take()
    if (flooded.accepted === 0) faults.push(`nothing of flood ${nth} was accepted`)
    console.log(
      `flood ${nth}: ${flooded.text} (event loop of the clients: p99 ${(delay.percentile(99) / 1e6).toFixed(0)} ms)`,
    )
    faults.push(...flood.faults().map((fault) => `flood ${nth}: ${fault}`))
    calm.take()
    await calmPhase(`after flood ${nth}`)
  }
  await calmPhase('later')
  await calm.stop()
  slow.stop()
  for (const line of memory.stop()) console.log(line)
  faults.push(...calm.faults().map((fault) => `calm clients: ${fault}`), ...memory.faults)

  async function phase(name: string, forSeconds: number): Promise<Taken> {
    memory.begin(name)
    await new Promise((resolve) => setTimeout(resolve, forSeconds * 1000))
    const taken = calm.take()
    console.log(`calm clients ${name}: ${taken.text}`)
    return taken
  }

  /** Nobody else is there: everybody is served. */
  async function calmPhase(name: string): Promise<void> {
    const { accepted, refused } = await phase(name, quietSeconds)
    if (accepted === 0) faults.push(`no calm client was served ${name}`)
    if (refused > 0) faults.push(`calm clients were refused ${refused} times ${name}`)
  }
  await audit()
} finally {
  const code = await streamPay.stop()
  if (code !== 0) faults.push(`StreamPay ended with ${code}`)
}
for (const fault of faults) console.error(`FAULT ${fault}`)
process.exitCode = faults.length === 0 ? 0 : 1

/** Tokens of people who have all paid once, so that everybody is known. */
async function register(): Promise<{ identity: string; token: string }[]> {
  const bank = new BankClient({ origins: [streamPay.origin], ca: streamPay.caCertificate() })
  const people = Array.from({ length: 300 }, (_, n) => `flood-${n}`)
  const identities: { identity: string; token: string }[] = []
  for (let from = 0; from < people.length; from += 20) {
    const some = people.slice(from, from + 20)
    identities.push(
      ...(await Promise.all(some.map(async (identity) => ({ identity, token: await bank.token(identity) })))),
    )
    await Promise.all(
      some.map((identity) =>
        bank.settle(
          newIntent({
            identity,
            method: 'PUT',
            path: '/current-user',
            body: { name: identity, username: identity },
          }),
          { timeoutMs: 30_000 },
        ),
      ),
    )
  }
  bank.close()
  return identities
}

/** Stops the process for a share of every tenth of a second. */
function slowDown(pid: number, share: number): { stop(): void } {
  const periodMs = 100
  if (share === 0) return { stop: () => undefined }
  const go = () => process.kill(pid, 'SIGCONT')
  const timer = setInterval(() => {
    process.kill(pid, 'SIGSTOP')
    setTimeout(go, periodMs * share)
  }, periodMs)
  return {
    stop: () => {
      clearInterval(timer)
      go()
    },
  }
}

async function audit(): Promise<void> {
  const main = fileURLToPath(new URL('../../apps/audit/src/main.ts', import.meta.url))
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [main, '--brokers', streamPay.brokers.join(',')])
    console.log(stdout.split('\n')[0])
  } catch (error) {
    faults.push(`the audit: ${error instanceof Error ? error.message : String(error)}`)
  }
}
