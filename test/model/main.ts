/**
 * `npm run test:model`: runs histories of the model of the whole system, as many as wanted, on all processors. See
 * --help.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Tally } from './tally.ts'
import type { Order, Report } from './worker.ts'

const help = `npm run test:model -- [options]

Runs the payments and statistics topologies on a simulated log whose every step a seed decides, with crashes, aborts,
delays, duplicates and rebalances, and compares each history with a naive model of the bank.

  --seed <n>         of the first history; the next has n + 1, and so on (default: from the clock)
  --histories <n>    how many (default 1000)
  --minutes <t>      as many as fit into this time instead
  --commands <n>     of each history (default 200)
  --slots <n>        processes at most (default 3)
  --workers <n>      threads (default: one for each processor)
  --help             this text

Exit codes: 0 all is well; 1 a history failed: it is printed, as small as it could be made, with the seed that leads to it.`

/** The time for a history, which takes less than a second; it runs twice, and a busy machine takes longer. */
const stuckMs = 60_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: `${Date.now() % 1_000_000_000}` },
    histories: { type: 'string', default: '1000' },
    minutes: { type: 'string' },
    commands: { type: 'string', default: '200' },
    slots: { type: 'string', default: '3' },
    workers: { type: 'string', default: `${availableParallelism()}` },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(help)
else process.exitCode = await run()

async function run(): Promise<number> {
  const seed = number('seed', values.seed)
  const commands = number('commands', values.commands)
  const slots = number('slots', values.slots)
  const stride = number('workers', values.workers)
  const wanted = values.minutes === undefined ? number('histories', values.histories) : Number.MAX_SAFE_INTEGER
  const limitMs = values.minutes === undefined ? undefined : minutes(values.minutes) * 60_000
  console.log(`histories from seed ${seed} on, ${commands} commands each, up to ${slots} processes, ${stride} threads`)
  const tally = new Tally()
  const workers = Array.from({ length: stride }, (_, i) => {
    const order: Order = { seed: seed + i, stride, histories: Math.ceil((wanted - i) / stride), commands, slots }
    return new Worker(new URL('./worker.ts', import.meta.url), { workerData: order })
  })
  /** The history of each worker, and since when it runs. */
  const underWay = new Map<Worker, { readonly seed: number; readonly since: number }>()
  let found: Extract<Report, { kind: 'found' }> | undefined
  let failure: Extract<Report, { kind: 'failed' }> | undefined
  const stopAllBut = (worker?: Worker) => {
    for (const other of workers) if (other !== worker) void other.terminate()
  }
  const progress = setInterval(() => console.log(tally.line()), 10_000)
  let isStuck = false
  const endOfTime = () => {
    isStuck = tellOfCutShort(underWay.values())
    stopAllBut()
  }
  const timer = limitMs === undefined ? undefined : setTimeout(endOfTime, limitMs)
  const heard = (worker: Worker, report: Report) => {
    if (report.kind === 'begun') underWay.set(worker, { seed: report.seed, since: performance.now() })
    if (report.kind === 'done') underWay.delete(worker)
    if (report.kind === 'passed') tally.add(report)
    if (report.kind === 'failed') failure = report
    if (report.kind !== 'found' || found !== undefined) return
    found = report
    console.log(`${tally.line()}\nseed ${report.seed} fails, and is made smaller: ${report.violation}`)
    clearInterval(progress)
    clearTimeout(timer)
    stopAllBut(worker)
  }
  await Promise.all(
    workers.map((worker) => {
      worker.on('message', (report: Report) => heard(worker, report))
      return new Promise<void>((resolve, reject) => {
        const failed = (cause: unknown) =>
          reject(new Error(`the thread has failed at seed ${underWay.get(worker)?.seed}`, { cause }))
        worker.on('exit', () => resolve()).on('error', failed)
      })
    }),
  )
  clearInterval(progress)
  clearTimeout(timer)
  if (failure !== undefined) tell(failure)
  const isComplete = limitMs === undefined ? tally.histories === wanted : tally.histories > 0
  const isClean = found === undefined && isComplete && !isStuck
  console.log(`${tally.line()}\n${isClean ? 'clean' : `FAILED after ${tally.histories} histories`}`)
  return isClean ? 0 : 1
}

/** When the time is over. @returns whether a history has run for so long that it would never have ended */
function tellOfCutShort(histories: Iterable<{ readonly seed: number; readonly since: number }>): boolean {
  let isStuck = false
  for (const { seed, since } of histories) {
    const ms = performance.now() - since
    const verdict = ms > stuckMs ? ': it does not end' : ''
    isStuck ||= ms > stuckMs
    console.log(`time is up: seed ${seed} was cut short after ${(ms / 1_000).toFixed(1)} s${verdict}`)
  }
  return isStuck
}

function tell({ seed, violations, shrunk }: Extract<Report, { kind: 'failed' }>): void {
  console.log(`\nThe history of seed ${seed} fails:\n${listed(violations)}`)
  console.log(
    `\nMade smaller, to ${shrunk.commands} commands and ${shrunk.faults} faults:\n${listed(shrunk.violations)}`,
  )
  console.log(`\n${shrunk.text}\n\nIts last steps:\n${shrunk.trace.join('\n')}`)
  console.log(
    `\nAgain: npm run test:model -- --seed ${seed} --histories 1 --commands ${values.commands} --slots ${values.slots}`,
  )
}

function listed(violations: readonly string[]): string {
  return violations
    .slice(0, 10)
    .map((violation) => `  ${violation}`)
    .join('\n')
}

function minutes(text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new RangeError(`--minutes is "${text}", but must be a number above 0`)
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= (name === 'seed' ? 0 : 1)) return value
  throw new RangeError(`--${name} is "${text}", but must be a whole number`)
}
