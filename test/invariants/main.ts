/**
 * `npm run test:invariants [-- --seconds 60 --speed 50 --seed text]`: runs the whole application under load, kills the payments service and
 * the broker three times each, and checks the invariants. It exits with 0 only if the audit is clean, every acknowledged payment is on the
 * ledger exactly once, nothing else of the test's people is, every account that was being opened at a kill is open (there must be one at
 * each kill), and repeating every command with its idempotency key changes nothing.
 */
import { parseArgs } from 'node:util'
import type { LogCut } from '@streampay/audit'
import { topicNamed, topicNames } from '@streampay/domain'
import { partitionForKey } from '@streampay/kafka'
import { BankClient } from '../support/bank-client.ts'
import { copyOf, type Intent, toldText } from '../support/intent.ts'
import { auditLog } from '../support/ledger-check.ts'
import { type Load, startLoad, type Tally } from '../support/load.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { type ServiceName, type StreamPay, startStreamPay } from '../support/streampay-process.ts'
import { killInTurn } from './nemesis.ts'

/** What must have happened before the run may end; it continues beyond its time until then, at most this many times as long. */
const wanted: Readonly<Partial<Tally>> = {
  paid: 2_000,
  paidAcrossPartitions: 1_000,
  requestsPaid: 100,
  requestsDeclined: 100,
  requestsCancelled: 100,
  requestsReminded: 100,
  races: 20,
  duplicates: 100,
  opened: 100,
}
const maxStretch = 4
const kills: readonly ServiceName[] = ['payments', 'broker', 'payments', 'broker', 'payments', 'broker']

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    speed: { type: 'string', default: '50' },
    seed: { type: 'string', default: `${Date.now()}` },
  },
})
const seconds = Number(values.seconds)
console.log(`seed ${values.seed}, ${seconds} s at ${values.speed} times the simulation's speed`)

const faults: string[] = []
/** The people who were joining when a service was killed, for each kill. */
const joiningAtKills: (readonly string[])[] = []
let streamPay: StreamPay = await startStreamPay({ args: ['--speed', values.speed, '--seed', values.seed] })
try {
  const intents = await underLoad(streamPay)
  checkJoining(await holdAgainstLedger(streamPay, intents))
  await repeatAll(intents)
} catch (error) {
  faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  console.error(streamPay.output().split('\n').slice(-40).join('\n'))
} finally {
  const code = await streamPay.stop()
  if (code !== 0) faults.push(`StreamPay ended with ${code}, not 0, after Ctrl-C`)
}
for (const fault of faults) console.error(`FAULT ${fault}`)
console.log(faults.length === 0 ? 'clean' : `${faults.length} faults; seed ${values.seed}`)
process.exitCode = faults.length === 0 ? 0 : 1

async function underLoad(system: StreamPay): Promise<readonly Intent[]> {
  const bank = new BankClient({ origins: [system.origin], ca: system.caCertificate() })
  const partitions = topicNamed(topicNames.commands).partitions
  const load = await startLoad({
    bank,
    seed: values.seed,
    random: new SeededRandom(values.seed).fraction,
    partitionOf: (identity) => partitionForKey(identity, partitions),
    people: 40,
    loops: { open: 4 },
  })
  const startedAt = performance.now()
  await killInTurn(system, kills, (seconds * 1000) / (kills.length + 1), {
    kill: () => joiningAtKills.push([...load.joining]),
    back: ({ service, backAfterMs }) => {
      const joining = joiningAtKills.at(-1)?.length
      console.log(
        `killed ${service} while ${joining} joined; back after ${backAfterMs} ms; ${JSON.stringify(load.tally)}`,
      )
    },
  })
  await untilEnough(load, startedAt)
  await load.stop()
  bank.close()
  faults.push(...load.faults, ...missing(load.tally))
  console.log(`${load.intents.length} commands of ours; ${JSON.stringify(load.tally)}`)
  return load.intents
}

async function untilEnough(load: Load, startedAt: number): Promise<void> {
  const elapsedMs = () => performance.now() - startedAt
  while (
    elapsedMs() < seconds * 1000 ||
    (missing(load.tally).length > 0 && elapsedMs() < maxStretch * seconds * 1000)
  ) {
    if (load.faults.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function missing(tally: Tally): string[] {
  return Object.entries(wanted)
    .filter(([name, count]) => tally[name as keyof Tally] < count)
    .map(([name, count]) => `only ${tally[name as keyof Tally]} ${name}, ${count} wanted`)
}

/** An account opens in one transaction: after a kill in the middle it must exist completely or not at all. */
function checkJoining(cut: LogCut): void {
  for (const [kill, people] of joiningAtKills.entries()) {
    if (people.length === 0) faults.push(`no user was joining at kill ${kill + 1} (${kills[kill]})`)
    for (const person of people) {
      const openings = cut.transactions.filter(({ value }) => value.account === person && value.kind === 'opening')
      if (openings.length !== 1)
        faults.push(`${person}, who joined at kill ${kill + 1}, has ${openings.length} openings`)
    }
  }
}

/** Reads the live log: the simulation continues meanwhile. */
async function holdAgainstLedger(system: StreamPay, intents: readonly Intent[]): Promise<LogCut> {
  const { cut, faults: found, acknowledged } = await auditLog(system.brokers, intents)
  faults.push(...found)
  console.log(`audit: ${found.length} faults over ${cut.transactions.length} entries of ${cut.balances.size} accounts`)
  console.log(`${acknowledged} acknowledged payments, each on the ledger once`)
  return cut
}

/**
 * After a clean restart, without the simulation: sends every command again with its key; the answers must be the same, and nothing may
 * change.
 */
async function repeatAll(intents: readonly Intent[]): Promise<void> {
  const dataDir = streamPay.dataDir
  const code = await streamPay.stop({ keepData: true })
  if (code !== 0) faults.push(`StreamPay ended with ${code}, not 0, after Ctrl-C`)
  streamPay = await startStreamPay({ args: ['--no-simulation'], dataDir, removeData: true })
  const before = await holdAgainstLedger(streamPay, intents)
  const bank = new BankClient({ origins: [streamPay.origin], ca: streamPay.caCertificate() })
  const commands = intents.filter((intent) => intent.answer !== undefined && intent.method === 'POST')
  for (let from = 0; from < commands.length; from += 64) {
    await Promise.all(commands.slice(from, from + 64).map((intent) => repeat(bank, intent)))
  }
  bank.close()
  const after = await holdAgainstLedger(streamPay, intents)
  if (after.transactions.length !== before.transactions.length) {
    faults.push(
      `repeating ${commands.length} commands added ${after.transactions.length - before.transactions.length} entries`,
    )
  }
  console.log(
    `repeated ${commands.length} commands with their keys: ${after.transactions.length - before.transactions.length} new entries`,
  )
}

async function repeat(bank: BankClient, intent: Intent): Promise<void> {
  const now = toldText(await bank.settle(copyOf(intent), { timeoutMs: 60_000 }))
  const told = toldText(intent.answer)
  if (now !== told) faults.push(`${intent.path} with key ${intent.key} was told ${told}, repeated ${now}`)
}
