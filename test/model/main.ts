/** `npm run test:model`: histories for the model of the whole, as many as asked for, on all processors. See --help. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Tally } from './tally.ts'
import type { Order, Report } from './worker.ts'

const help = `npm run test:model -- [options]

Runs the payments and statistics topologies on a simulated log whose every step a seed decides, with crashes, aborts,
delays, duplicates and rebalances, and holds each history against a naive model of the bank.

  --seed <n>         of the first history; the next has n + 1, and so on (default: from the clock)
  --histories <n>    how many (default 1000)
  --minutes <t>      as many as fit into this time instead
  --commands <n>     of each history (default 200)
  --slots <n>        processes at most (default 3)
  --workers <n>      threads (default: one for each processor)
  --help             this text

Exit codes: 0 all is well; 1 a history failed: it is printed, as small as it could be made, with the seed that leads to it.`

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
  const deadline = values.minutes === undefined ? undefined : performance.now() + Number(values.minutes) * 60_000
  console.log(`histories from seed ${seed} on, ${commands} commands each, up to ${slots} processes, ${stride} threads`)
  const tally = new Tally()
  const workers = Array.from({ length: stride }, (_, i) => {
    const order: Order = { seed: seed + i, stride, histories: Math.ceil((wanted - i) / stride), commands, slots }
    return new Worker(new URL('./worker.ts', import.meta.url), { workerData: order })
  })
  let found: Extract<Report, { kind: 'found' }> | undefined
  let failure: Extract<Report, { kind: 'failed' }> | undefined
  const stopAllBut = (worker?: Worker) => {
    for (const other of workers) if (other !== worker) void other.terminate()
  }
  const progress = setInterval(() => console.log(tally.line()), 10_000)
  const timer = deadline === undefined ? undefined : setTimeout(stopAllBut, deadline - performance.now())
  const heard = (worker: Worker, report: Report) => {
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
      return new Promise<void>((resolve, reject) => worker.on('exit', () => resolve()).on('error', reject))
    }),
  )
  clearInterval(progress)
  clearTimeout(timer)
  if (failure !== undefined) tell(failure)
  const isComplete = deadline !== undefined || tally.histories === wanted
  const isClean = found === undefined && isComplete
  console.log(`${tally.line()}\n${isClean ? 'clean' : `FAILED after ${tally.histories} histories`}`)
  return isClean ? 0 : 1
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

function number(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= (name === 'seed' ? 0 : 1)) return value
  throw new RangeError(`--${name} is "${text}", but must be a whole number`)
}
