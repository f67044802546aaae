/** Plots of results as SVG: bars of medians with their ranges, for a light and a dark page. */
import type { CustomSeriesOption } from 'echarts'
import { BarChart, CustomChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { cpuMsPerUnit, type Result, summary } from './results.ts'
import type { Spread } from './spread.ts'
import { numberText } from './words.ts'

use([BarChart, CustomChart, GridComponent, LegendComponent, SVGRenderer, TitleComponent])

export type Bars = {
  readonly title: string
  readonly cases: readonly string[]
  /** A spread for each case; undefined where this was not measured. */
  readonly subjects: readonly { readonly name: string; readonly spreads: readonly (Spread | undefined)[] }[]
}

const width = 760
const rowHeight = 26
const legendRow = 20
/** Of a text of 12 px, a little more than most letters take. */
const letterWidth = 7
const colours = ['#2f6fde', '#d97706', '#059669', '#9333ea', '#64748b']
const ink = '#64748b'

/** The bars of one figure of a result; undefined if no subject has it. */
export function barsOf(
  { measurements }: Result,
  { figure, title }: { figure: string; title: string },
): Bars | undefined {
  const cases = [...new Set(measurements.map((one) => one.case))]
  const names = [...new Set(measurements.map(({ subject }) => subject))]
  const spreadAt = (subject: string, name: string): Spread | undefined => {
    const found = measurements.find((one) => one.subject === subject && one.case === name)
    if (found === undefined) return undefined
    return figure === 'cpuMsPerUnit' ? cpuMsPerUnit(found) : summary(found).figures.get(figure)
  }
  const subjects = names
    .map((name) => ({ name, spreads: cases.map((one) => spreadAt(name, one)) }))
    .filter(({ spreads }) => spreads.some((spread) => spread !== undefined))
  return subjects.length === 0 ? undefined : { title, cases, subjects }
}

/** The text of an SVG file; the same for the same bars. */
export function plot({ title, cases, subjects }: Bars): string {
  const names = subjects.map(({ name }) => name)
  const legendHeight = names.length * legendRow
  const height = 80 + legendHeight + cases.length * (subjects.length * rowHeight + 14)
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({
    animation: false,
    color: colours,
    title: { text: title, left: 8, top: 4, textStyle: { color: ink, fontSize: 14 } },
    // One below the other: the width of a text can only be estimated here.
    legend: { orient: 'vertical', left: 8, bottom: 0, itemGap: 4, data: names, textStyle: { color: ink } },
    grid: {
      left: 16 + letterWidth * longestOf(cases),
      right: 80,
      top: 34,
      bottom: 36 + legendHeight,
      outerBoundsMode: 'none',
    },
    xAxis: { type: 'value', axisLabel: { color: ink }, splitLine: { lineStyle: { color: ink, opacity: 0.25 } } },
    yAxis: { type: 'category', inverse: true, data: [...cases], axisLabel: { color: ink } },
    series: [
      ...subjects.map(({ name, spreads }) => ({
        type: 'bar' as const,
        name,
        data: spreads.map((spread) => spread?.median ?? null),
      })),
      ...subjects.map(({ spreads }, index) => rangesOf(spreads, { index, of: subjects.length })),
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${titled(stillImage(svg), title)}\n`
}

/** The description of the image for screen readers. */
function titled(svg: string, title: string): string {
  const text = title.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  return svg.replace(/^<svg[^>]*>/, (opening) => `${opening}\n<title>${text}</title>`)
}

/** Without the parts for mouse events, whose names differ in each plot. */
function stillImage(svg: string): string {
  return svg.replace(/<style\b[\s\S]*?<\/style>\s*/g, '').replace(/ (class|ecmeta_\w+)="[^"]*"/g, '')
}

function longestOf(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length))
}

/** In the middle of the subject's bar, a line from the least to the most of the rounds, and the median behind both. */
function rangesOf(
  spreads: readonly (Spread | undefined)[],
  { index, of }: { readonly index: number; readonly of: number },
): CustomSeriesOption {
  return {
    type: 'custom',
    silent: true,
    z: 3,
    data: spreads.flatMap((spread, row) =>
      spread === undefined ? [] : [[spread.min, row, spread.max, spread.median]],
    ),
    encode: { x: [0, 2], y: 1 },
    renderItem: (_, api) => {
      const bars = api.barLayout?.({ count: of })
      const offset = bars?.[index]?.offsetCenter ?? 0
      const [from = 0, middle = 0] = api.coord?.([api.value(0), api.value(1)]) ?? []
      const [to = 0] = api.coord?.([api.value(2), api.value(1)]) ?? []
      const y = middle + offset
      const text = numberText(Number(api.value(3)))
      return {
        type: 'group',
        children: [
          { type: 'line', shape: { x1: from, y1: y, x2: to, y2: y }, style: { stroke: '#111827', lineWidth: 2 } },
          { type: 'text', x: to + 6, y, style: { text, fill: ink, fontSize: 12, verticalAlign: 'middle' } },
        ],
      }
    },
  }
}
