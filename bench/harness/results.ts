/** Results as they are stored: every measured value, and the machine. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Code, Machine } from './machine.ts'
import type { Comparison, Measurement, Place, ScenarioResult } from './scenario.ts'
import { ratios, type Spread, spreadOf } from './spread.ts'

export type Result = Required<ScenarioResult> & {
  readonly scenario: string
  readonly measuredAt: string
  /** The command that measures it again. */
  readonly command: string
  readonly seconds: number
  readonly machine: Machine
  readonly code: Code
}

/** Writes `<folder>/<name>.json`. @returns its path */
export function writeResult(folder: string, name: string, result: Result): string {
  const path = join(folder, `${name}.json`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, `${JSON.stringify(result, null, 1)}\n`)
  return path
}

/** By name, in the order of the names. */
export function readResults(folder: string): Map<string, Result> {
  const names = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.json')) : []
  return new Map(
    names.sort().map((file) => [file.replace(/\.json$/, ''), JSON.parse(readFileSync(join(folder, file), 'utf8'))]),
  )
}

export type Row = {
  readonly subject: string
  readonly case: string
  readonly unit: string
  readonly rounds: number
  readonly figures: ReadonlyMap<string, Spread>
  readonly processes: ReadonlyMap<string, ReadonlyMap<string, Spread>>
}

/** Medians and ranges of a measurement over its rounds. @throws RangeError if a figure is missing in a round */
export function summary({ subject, case: name, unit, samples }: Measurement): Row {
  const figures = spreads(samples.map((sample) => sample.figures))
  const processes = new Map<string, ReadonlyMap<string, Spread>>()
  for (const process of Object.keys(samples[0]?.processes ?? {})) {
    processes.set(process, spreads(samples.map((sample) => ({ ...sample.processes[process] }))))
  }
  return { subject, case: name, unit, rounds: samples.length, figures, processes }
}

/** CPU for a unit of work, of all processes of a subject together. Undefined where it could not be read. */
export function cpuMsPerUnit({ samples }: Measurement): Spread | undefined {
  const sums = samples.map(({ processes }) =>
    Object.values(processes).reduce((sum, process) => sum + process.cpuMsPerUnit, 0),
  )
  return samples.every(({ processes }) => Object.keys(processes).length > 0) ? spreadOf(sums) : undefined
}

/** @throws Error if one side of the comparison was not measured */
export function ratioOf(comparison: Comparison, measurements: readonly Measurement[]): Spread {
  const { figure, of, to } = comparison
  return ratios(valuesOf(figure, of, measurements), valuesOf(figure, to, measurements))
}

function valuesOf(figure: string, place: Place, measurements: readonly Measurement[]): number[] {
  const found = measurements.find(({ subject, case: name }) => subject === place.subject && name === place.case)
  if (found === undefined) throw new Error(`nothing was measured of ${place.subject}, ${place.case}`)
  if (figure === 'cpuMsPerUnit') {
    return found.samples.map(({ processes }) =>
      Object.values(processes).reduce((sum, process) => sum + process.cpuMsPerUnit, 0),
    )
  }
  return found.samples.map(({ figures }) => figures[figure] ?? Number.NaN)
}

function spreads(samples: readonly Readonly<Record<string, number>>[]): ReadonlyMap<string, Spread> {
  const names = Object.keys(samples[0] ?? {})
  return new Map(names.map((name) => [name, spreadOf(samples.map((sample) => sample[name] ?? Number.NaN))]))
}
