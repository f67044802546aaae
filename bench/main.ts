/**
 * `npm run bench [-- <scenario> [options]]`: measures, and stores the results. Bounded in time, on loopback only, and no process is left in
 * whatever way it ends. Exit codes: 0 measured, 1 failed, 2 wrong arguments.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { helpOf, helpOfScenario, readersOf, valuesOf } from './harness/arguments.ts'
import { Children } from './harness/children.ts'
import { tellingHeaps } from './harness/heaps.ts'
import { thisCode, thisMachine } from './harness/machine.ts'
import { pageOf } from './harness/page.ts'
import { readResults, writeResult } from './harness/results.ts'
import { type Scenario, UsageError } from './harness/scenario.ts'
import { resultLines } from './harness/words.ts'
import { scenarios } from './scenarios/index.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const resultFolder = join(root, 'bench/results')

process.exitCode = await main(process.argv.slice(2))

async function main([name, ...args]: readonly string[]): Promise<number> {
  try {
    if (name === undefined || name === '--help' || name === '-h') {
      console.log(helpOf(scenarios))
      return 0
    }
    if (name === 'page') return writePage()
    const scenario = scenarios.find((one) => one.name === name)
    if (scenario === undefined) throw new UsageError(`There is no scenario "${name}".\n\n${helpOf(scenarios)}`)
    return await run(scenario, args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(error.message)
    return 2
  }
}

function writePage(): number {
  const { markdown, plots } = pageOf(readResults(resultFolder), scenarios, 'images/bench')
  const images = join(root, 'docs/images/bench')
  rmSync(images, { recursive: true, force: true })
  mkdirSync(images, { recursive: true })
  for (const [file, svg] of plots) writeFileSync(join(images, file), svg)
  writeFileSync(join(root, 'docs/bench.md'), markdown)
  console.log(`docs/bench.md and ${plots.size} plots are written`)
  return 0
}

async function run(scenario: Scenario, args: readonly string[]): Promise<number> {
  const values = valuesOf(scenario, args)
  if (values.help === true) {
    console.log(helpOfScenario(scenario))
    return 0
  }
  const { print, children, failed } = bounded(scenario)
  const readers = readersOf(values)
  const scratch = resolve(readers.text('scratch'))
  mkdirSync(scratch, { recursive: true })
  const machine = thisMachine()
  const measuredAt = new Date()
  // In whatever way this process ends.
  process.once('exit', tellingHeaps())
  try {
    const work = scenario.run({ ...readers, scratch, children, print })
    const outcome = await Promise.race([work, failed])
    if (outcome === undefined) return 0
    const result = {
      scenario: scenario.name,
      measuredAt: measuredAt.toISOString(),
      command: ['npm run bench --', scenario.name, ...args].join(' '),
      seconds: Math.round((Date.now() - measuredAt.getTime()) / 1000),
      machine,
      code: thisCode(root),
      comparisons: [],
      ...outcome,
    }
    for (const line of resultLines(result)) print(line)
    const folder = readers.flag('keep') ? resultFolder : join(scratch, 'results')
    print(`Kept in ${writeResult(folder, readers.text('name') || scenario.name, result)}`)
    return 0
  } finally {
    await children.endAll()
  }
}

/** A run that hangs, or is interrupted, ends with all that it started. */
function bounded({ name, maxMinutes }: Scenario) {
  const children = new Children()
  const startedAt = performance.now()
  const { promise: failed, reject } = Promise.withResolvers<never>()
  setTimeout(() => reject(new Error(`${name} was not done after ${maxMinutes} minutes`)), maxMinutes * 60_000).unref()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      children.killAll()
      process.exit(1)
    })
  }
  process.on('exit', () => children.killAll())
  const print = (line: string) => {
    console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(7)} s  ${line}`)
  }
  return { children, failed, print }
}
