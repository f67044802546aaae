import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pageOf } from '../harness/page.ts'
import { barsOf, plot } from '../harness/plot.ts'
import { type Result, readResults } from '../harness/results.ts'
import type { Measurement, Scenario } from '../harness/scenario.ts'
import { scenarios } from '../scenarios/index.ts'

const samples = (...rates: number[]) =>
  rates.map((perSecond) => ({
    figures: { perSecond },
    processes: { gateway: { cpuMs: 20, cpuMsPerUnit: 0.5, pssMb: 90, anonymousMb: 80 } },
  }))

const measurements: Measurement[] = [
  { subject: 'ours', case: '1 in flight', unit: 'payment', samples: samples(100, 90, 110) },
  { subject: 'bare', case: '1 in flight', unit: 'payment', samples: samples(1000, 1000, 1000) },
]

const result: Result = {
  scenario: 'pay',
  measuredAt: '2026-11-28T19:00:00.000Z',
  command: 'npm run bench -- pay',
  seconds: 9,
  machine: { cpu: 'a CPU', cores: 2, memoryGb: 24, system: 'linux', node: '26.10.0', loadBefore: 0.1 },
  code: { commit: '0123456789ab', changed: false, version: '0.1.0' },
  measurements,
  comparisons: [
    {
      figure: 'perSecond',
      of: { subject: 'ours', case: '1 in flight' },
      to: { subject: 'bare', case: '1 in flight' },
    },
  ],
}

const scenario: Scenario = {
  name: 'pay',
  summary: 'pays',
  options: {},
  plots: [
    { figure: 'perSecond', title: 'Payments per second' },
    { figure: 'nothing', title: 'That nobody measured' },
  ],
  maxMinutes: 1,
  run: async () => undefined,
}

describe('the page of results', () => {
  it('shows medians and ranges, CPU of each process, ratios, and where it was measured', () => {
    const { markdown, plots } = pageOf(new Map([['pay', result]]), [scenario], 'images/bench')
    expect(markdown).toContain('| ours | 1 in flight | 3 | 100 (90–110) | 0.5 |')
    expect(markdown).toContain('| ours | 1 in flight | gateway | 0.5 | 80 | 90 |')
    expect(markdown).toContain('| per second: ours, 1 in flight ÷ bare, 1 in flight | 0.1 (0.09–0.11) |')
    expect(markdown).toContain('a CPU, 2 cores, 24 GB, linux, Node 26.10.0, load before 0.1')
    expect(markdown).toContain('![Payments per second](images/bench/pay-persecond.svg)')
    expect([...plots.keys()]).toEqual(['pay-persecond.svg'])
  })

  it('draws a bar for each subject, as long as its median', () => {
    const bars = barsOf(result, { figure: 'perSecond', title: 'Payments per second' })
    if (bars === undefined) throw new Error('nothing to draw')
    const svg = plot(bars)
    const [ours = 0, bare = 0] = ['#2f6fde', '#d97706'].map((colour) => barLength(svg, colour))
    expect(bare / ours).toBeCloseTo(10, 1)
    expect(svg).toContain('<title>Payments per second</title>')
    expect(plot({ ...bars, title: 'a < b & c' })).toContain('<title>a &#60; b &#38; c</title>')
    expect(plot(bars)).toBe(svg)
  })

  it('in docs/bench.md is made from the stored results', () => {
    const kept = readResults(new URL('../results', import.meta.url).pathname)
    const { markdown } = pageOf(kept, scenarios, 'images/bench')
    expect(readFileSync(new URL('../../docs/bench.md', import.meta.url), 'utf8')).toBe(markdown)
  })
})

/** Of the bar in this colour, from left to right. */
function barLength(svg: string, colour: string): number {
  const [, length] = new RegExp(`<path d="M[\\d.]+ [\\d.]+l([\\d.]+) 0l0 [^"]*" fill="${colour}"`).exec(svg) ?? []
  return Number(length)
}
