import type { EChartsCoreOption } from 'echarts/core'
import { exactTime } from '../app/times.ts'
import { t } from '../i18n/pages.ts'
import { formatCents, formatRound } from '../money/money.ts'
import type { balanceLine } from './balance-line.ts'

/**
 * The options of the balance chart, in the colours of the page. A balance holds until the next movement, so the line is
 * stepped; nothing is smoothed or averaged.
 */
export function chartOptions(line: ReturnType<typeof balanceLine>, style: CSSStyleDeclaration): EChartsCoreOption {
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const text = colour('--ui-text-muted')
  const font = style.fontFamily
  return {
    animation: false,
    textStyle: { fontFamily: font },
    grid: { left: 4, right: 12, top: 12, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: {
      type: 'time',
      axisLine: { lineStyle: { color: colour('--ui-border-accented') } },
      axisTick: { show: false },
      axisLabel: { color: text, hideOverlap: true, fontSize: 11 },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      splitNumber: 4,
      axisLabel: { color: text, fontSize: 11, formatter: formatRound },
      splitLine: { lineStyle: { color: colour('--ui-border') } },
    },
    tooltip: {
      trigger: 'axis',
      backgroundColor: colour('--card'),
      borderColor: colour('--ui-border-accented'),
      textStyle: { color: colour('--ui-text-highlighted'), fontFamily: font, fontSize: 12 },
      valueFormatter: (cents: unknown) => (typeof cents === 'number' ? formatCents(cents) : ''),
      axisPointer: {
        lineStyle: { color: colour('--ui-border-accented') },
        label: { formatter: ({ value }: { value: number }) => exactTime(value) },
      },
    },
    series: [
      {
        name: t('statement.balance'),
        type: 'line',
        step: 'end',
        showSymbol: false,
        lineStyle: { width: 2, color: colour('--chart-line') },
        itemStyle: { color: colour('--chart-line') },
        areaStyle: { color: colour('--chart-fill') },
        data: line.map((step) => [...step]),
      },
    ],
  }
}
