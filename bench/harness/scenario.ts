/** A scenario: a name, options, and a run that returns measurements of one or more subjects. */
import type { Children } from './children.ts'
import type { ProcessSamples } from './meter.ts'

export type OptionSpec = {
  readonly type: 'string' | 'boolean'
  readonly fallback: string | boolean
  readonly help: string
}

/** The values of one measurement. */
export type Sample = {
  /** By names that end in their unit: `perSecond`, `p50Ms`, `readySeconds`. */
  readonly figures: Readonly<Record<string, number>>
  readonly processes: ProcessSamples
}

/** One subject in one case, a sample a round. */
export type Measurement = {
  /** What was measured: `streampay`, or the rival or limit beside it. */
  readonly subject: string
  /** The circumstances: `64 in flight`. */
  readonly case: string
  /** The unit for which CPU is counted: `payment`. */
  readonly unit: string
  readonly samples: readonly Sample[]
}

export type Place = Pick<Measurement, 'subject' | 'case'>

/** Two measurements whose ratio matters, round by round. */
export type Comparison = {
  readonly figure: string
  readonly of: Place
  readonly to: Place
}

export type ScenarioResult = {
  readonly measurements: readonly Measurement[]
  readonly comparisons?: readonly Comparison[]
}

export type Run = {
  /** As given, or the default of each. */
  text(option: string): string
  /** @throws UsageError for anything but a whole number, which may be written as 1e6 or 1_000_000 */
  count(option: string): number
  /** Whole numbers, comma-separated. @throws UsageError */
  counts(option: string): number[]
  flag(option: string): boolean
  /** The folder for those of this run and for cached ones. */
  readonly scratch: string
  /** Every process is started by this, and ends with the run. */
  readonly children: Children
  print(line: string): void
}

export type Scenario = {
  readonly name: string
  /** One line for the list. */
  readonly summary: string
  readonly options: Readonly<Record<string, OptionSpec>>
  /** Which figures the page draws. */
  readonly plots: readonly { readonly figure: string; readonly title: string }[]
  /** The run is ended, with all that it started, after this time. */
  readonly maxMinutes: number
  /** Undefined for a scenario that makes something instead of measuring it. */
  run(run: Run): Promise<ScenarioResult | undefined>
}

/** A mistake in the arguments, in one sentence. */
export class UsageError extends Error {}
