/** The command line: `npm run bench [-- <scenario> [options]]`. */
import { parseArgs } from 'node:util'
import { type OptionSpec, type Run, type Scenario, UsageError } from './scenario.ts'

export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  scratch: {
    type: 'string',
    fallback: '.bench',
    help: 'folder for grown logs and the files of a run; must be on the disk to be measured',
  },
  keep: { type: 'boolean', fallback: false, help: 'keep the result in bench/results/, for the page' },
  name: { type: 'string', fallback: '', help: 'with --keep: of the result, if there are several of a scenario' },
  help: { type: 'boolean', fallback: false, help: 'this text' },
}

type Values = Readonly<Record<string, string | boolean>>

/** @throws UsageError for an option that the scenario does not have */
export function valuesOf(scenario: Scenario, args: readonly string[]): Values {
  const specs = { ...scenario.options, ...commonOptions }
  try {
    const { values } = parseArgs({
      args: [...args],
      options: Object.fromEntries(Object.entries(specs).map(([name, { type }]) => [name, { type }])),
    })
    const fallbacks = Object.fromEntries(Object.entries(specs).map(([name, { fallback }]) => [name, fallback]))
    return { ...fallbacks, ...(values as Values) }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

export function readersOf(values: Values): Pick<Run, 'text' | 'count' | 'counts' | 'flag'> {
  const text = (option: string) => String(values[option] ?? '')
  return {
    text,
    count: (option) => countOf(option, text(option)),
    counts: (option) =>
      text(option)
        .split(',')
        .map((part) => countOf(option, part)),
    flag: (option) => values[option] === true,
  }
}

export function countOf(option: string, text: string): number {
  const plain = text.trim().replaceAll('_', '')
  const value = /^\d+(e\d+)?$/i.test(plain) ? Number(plain) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new UsageError(`--${option} is "${text}", but must be a whole number, such as 1000 or 1e6`)
}

export function helpOf(scenarios: readonly Scenario[]): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length), 'page'.length)
  return [
    'npm run bench -- <scenario> [options]',
    '',
    ...scenarios.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    `  ${'page'.padEnd(width)}  writes docs/bench.md and its plots from what bench/results/ keeps`,
    '',
    'npm run bench -- <scenario> --help lists its options.',
  ].join('\n')
}

export function helpOfScenario({ name, summary, options }: Scenario): string {
  const specs = Object.entries({ ...options, ...commonOptions })
  const heads = specs.map(([option, { type }]) => (type === 'boolean' ? `--${option}` : `--${option} <value>`))
  const width = Math.max(...heads.map((head) => head.length))
  const lines = specs.map(([, { type, fallback, help }], index) => {
    const said = type === 'boolean' || fallback === '' ? '' : ` (${fallback})`
    return `  ${heads[index]?.padEnd(width)}  ${help}${said}`
  })
  return [`npm run bench -- ${name} [options]`, '', summary, '', ...lines].join('\n')
}
