/** The page of results: made only from the files in bench/results/. */
import { barsOf, plot } from './plot.ts'
import { cpuMsPerUnit, type Result, ratioOf, summary } from './results.ts'
import type { Measurement, Scenario } from './scenario.ts'
import { comparisonText, figureTitle, spreadText } from './words.ts'

export type Page = {
  readonly markdown: string
  /** SVG files by name. */
  readonly plots: ReadonlyMap<string, string>
}

/** @param plotFolder as the links of the page name it */
export function pageOf(results: ReadonlyMap<string, Result>, scenarios: readonly Scenario[], plotFolder: string): Page {
  const plots = new Map<string, string>()
  const sections = [...results].map(([name, result]) => {
    const scenario = scenarios.find((one) => one.name === result.scenario)
    const images = (scenario?.plots ?? []).flatMap(({ figure, title }) => {
      const bars = barsOf(result, { figure, title })
      if (bars === undefined) return []
      const file = `${name}-${figure.toLowerCase()}.svg`
      plots.set(file, plot(bars))
      return [`![${title}](${plotFolder}/${file})`]
    })
    return section(name, { result, summary: scenario?.summary ?? '', images })
  })
  const head = [
    '# Measured',
    '',
    'This page is made by `npm run bench -- page` from the raw values in [bench/results](../bench/results). A figure is the median of its',
    'rounds, with the least and the most in brackets. Subjects took turns within a round, and a ratio is that of each round. CPU is the',
    'processor time of all threads, from /proc: unlike rates and latencies, it hardly changes when the machine is shared.',
  ]
  return { markdown: `${[...head, ...sections.flatMap((lines) => ['', ...lines])].join('\n')}\n`, plots }
}

type Section = { readonly result: Result; readonly summary: string; readonly images: readonly string[] }

function section(name: string, { result, summary: about, images }: Section): string[] {
  const { machine, code, measurements, comparisons, command, measuredAt } = result
  return [
    `## ${name}`,
    '',
    `What is measured: ${about}. \`${command}\`, ${measuredAt.slice(0, 10)}, commit ${code.commit}${code.changed ? ' with changes' : ''};`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, load before ${machine.loadBefore}.`,
    ...(machine.unmetered === undefined ? [] : [`No CPU and memory: ${machine.unmetered}.`]),
    ...images.flatMap((image) => ['', image]),
    '',
    ...figureTable(measurements),
    ...processTable(measurements),
    ...(comparisons.length === 0 ? [] : ['', '| ratio | |', '|---|---|']),
    ...comparisons.map((one) => `| ${comparisonText(one)} | ${spreadText(ratioOf(one, measurements))} |`),
  ]
}

function figureTable(measurements: readonly Measurement[]): string[] {
  const rows = measurements.map(summary)
  const figures = [...new Set(rows.flatMap((row) => [...row.figures.keys()]))]
  const units = [...new Set(rows.map(({ unit }) => unit))]
  const cpu = measurements.map(cpuMsPerUnit)
  const hasCpu = cpu.some((spread) => spread !== undefined)
  const titles = [...figures.map(figureTitle), ...(hasCpu ? [`CPU ms a ${units.join(' or ')}`] : [])]
  return table(
    ['', '', 'rounds', ...titles],
    rows.map((row, index) => [
      row.subject,
      row.case,
      String(row.rounds),
      ...figures.map((figure) => textOf(row.figures.get(figure))),
      ...(hasCpu ? [textOf(cpu[index])] : []),
    ]),
  )
}

function processTable(measurements: readonly Measurement[]): string[] {
  const rows = measurements
    .map(summary)
    .flatMap((row) =>
      [...row.processes].map(([process, values]) => [
        row.subject,
        row.case,
        process,
        ...['cpuMsPerUnit', 'anonymousMb', 'pssMb', 'heapMb'].map((name) => textOf(values.get(name))),
      ]),
    )
  return rows.length === 0
    ? []
    : ['', ...table(['', '', 'process', 'CPU ms', 'anonymous, MB', 'PSS, MB', 'heap, MB'], rows)]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}

function textOf(spread: Parameters<typeof spreadText>[0] | undefined): string {
  return spread === undefined ? '' : spreadText(spread)
}
