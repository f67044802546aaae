/** Figures as people read them. */
import { cpuMsPerUnit, type Result, type Row, ratioOf, summary } from './results.ts'
import type { Comparison, Place } from './scenario.ts'
import type { Spread } from './spread.ts'

/** Three significant digits, or whole above a hundred: 0.0123, 1.23, 12.3, 123, 12,345. */
export function numberText(value: number): string {
  if (Math.abs(value) >= 100 || value === 0) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}

/** `median (least–most)`; the median alone if all are alike. */
export function spreadText({ median, min, max }: Spread): string {
  const [middle, least, most] = [median, min, max].map(numberText)
  return least === most ? `${middle}` : `${middle} (${least}–${most})`
}

/** `readySeconds` as "ready, s". */
export function figureTitle(figure: string): string {
  if (figure === 'perSecond') return 'per second'
  if (figure === 'cpuMsPerUnit') return 'CPU ms a unit'
  const units: readonly (readonly [RegExp, string])[] = [
    [/PerSecond$/, '/s'],
    [/Seconds$/, 's'],
    [/Micros$/, 'µs'],
    [/Ms$/, 'ms'],
    [/Mb$/, 'MB'],
    [/Kb$/, 'KB'],
    [/Bytes$/, 'B'],
  ]
  const [pattern, unit] = units.find(([ending]) => ending.test(figure)) ?? [/$^/, '']
  const name = figure.replace(pattern, '')
  const words = name.replace(
    /([a-z\d])([A-Z])/g,
    (_, before: string, capital: string) => `${before} ${capital.toLowerCase()}`,
  )
  return unit === '' ? words : `${words}, ${unit}`
}

export function comparisonText({ figure, of, to }: Comparison): string {
  return `${figureTitle(figure)}: ${placeText(of)} ÷ ${placeText(to)}`
}

/** The last lines of a run on the terminal. */
export function resultLines(result: Result): string[] {
  const { machine, code, measurements, comparisons } = result
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, load before ${machine.loadBefore}`,
    `commit ${code.commit}${code.changed ? ' with changes' : ''}; median (least–most) of the rounds`,
    ...(machine.unmetered === undefined ? [] : [`No CPU and memory: ${machine.unmetered}.`]),
    ...measurements.flatMap((measurement) => {
      const together = cpuMsPerUnit(measurement)
      return rowLines(summary(measurement), together)
    }),
    ...comparisons.map((one) => `ratio  ${comparisonText(one)} = ${spreadText(ratioOf(one, measurements))}`),
  ]
}

function rowLines(row: Row, together: Spread | undefined): string[] {
  const figures = [...row.figures].map(([figure, spread]) => `${figureTitle(figure)} ${spreadText(spread)}`)
  const cpu = together === undefined ? '' : `; CPU ms a ${row.unit} ${spreadText(together)}`
  return [
    `${row.subject}, ${row.case}: ${figures.join('; ')}${cpu}`,
    ...[...row.processes].map(([process, values]) => {
      const texts = [...values].map(([name, spread]) => `${figureTitle(name)} ${spreadText(spread)}`)
      return `    ${process.padEnd(12)} ${texts.join('; ')}`
    }),
  ]
}

function placeText({ subject, case: name }: Place): string {
  return `${subject}, ${name}`
}
