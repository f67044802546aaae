/** Runs histories, one seed after the other, in a thread of its own. The first that fails is made small and returned. */
import { parentPort, workerData } from 'node:worker_threads'
import { generate } from './generate.ts'
import { commandsOf, describeHistory, faultsOf } from './history.ts'
import { type Run, runHistory } from './run-history.ts'
import { shrink } from './shrink.ts'

export type Order = {
  readonly seed: number
  /** The distance from one seed of this worker to the next. */
  readonly stride: number
  readonly histories: number
  readonly commands: number
  readonly slots: number
}

export type Report =
  | { readonly kind: 'begun'; readonly seed: number }
  | {
      readonly kind: 'passed'
      readonly commands: number
      readonly steps: number
      readonly transactions: number
      readonly faults: Readonly<Record<string, number>>
    }
  /** The history is being made small. */
  | { readonly kind: 'found'; readonly seed: number; readonly violation: string }
  | {
      readonly kind: 'failed'
      readonly seed: number
      readonly violations: readonly string[]
      readonly shrunk: {
        readonly commands: number
        readonly faults: number
        readonly text: string
        readonly violations: readonly string[]
        readonly trace: readonly string[]
      }
    }
  | { readonly kind: 'done' }

/** One history in this many runs twice, and must do exactly the same. */
const twiceEvery = 25
const maxShrinkRuns = 1_500
const traceLines = 60

async function work({ seed: first, stride, histories, commands, slots }: Order): Promise<void> {
  for (let i = 0; i < histories; i++) {
    const seed = first + i * stride
    report({ kind: 'begun', seed })
    const history = generate({ seed, commands, maxSlots: slots })
    const run = await runHistory(history)
    const violations = [...run.violations]
    if (i % twiceEvery === 0 && (await runHistory(history)).hash !== run.hash) {
      violations.push('determinism: the same seed led to another run')
    }
    const [violation] = violations
    if (violation !== undefined) {
      report({ kind: 'found', seed, violation })
      await tellOfFailure(seed, { history, run: { ...run, violations } })
      break
    }
    const { steps, transactions, faults } = run
    const counts = { commands: commandsOf(history), steps, transactions, faults: Object.fromEntries(faults) }
    report({ kind: 'passed', ...counts })
  }
  report({ kind: 'done' })
}

async function tellOfFailure(seed: number, first: { history: ReturnType<typeof generate>; run: Run }): Promise<void> {
  const { history, run } = await shrink(first, { run: (smaller) => runHistory(smaller), maxRuns: maxShrinkRuns })
  const trace: string[] = []
  await runHistory(history, { trace: (line) => trace.push(line) })
  report({
    kind: 'failed',
    seed,
    violations: first.run.violations,
    shrunk: {
      commands: commandsOf(history),
      faults: faultsOf(history),
      text: describeHistory(history),
      violations: run.violations,
      trace: trace.slice(-traceLines),
    },
  })
}

function report(message: Report): void {
  parentPort?.postMessage(message)
}

await work(workerData as Order)
