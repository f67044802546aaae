import { describe, expect, it } from 'vitest'
import { countOf, helpOf, readersOf, valuesOf } from '../harness/arguments.ts'
import { Children } from '../harness/children.ts'
import { cpuMsPerUnit, ratioOf, summary } from '../harness/results.ts'
import { inTurns } from '../harness/rounds.ts'
import type { Measurement, Scenario } from '../harness/scenario.ts'
import { figureTitle, numberText, spreadText } from '../harness/words.ts'
import { scenarios } from '../scenarios/index.ts'

const scenario: Scenario = {
  name: 'nothing',
  summary: 'does nothing',
  options: { sizes: { type: 'string', fallback: '1e4,100_000', help: 'sizes' } },
  plots: [],
  maxMinutes: 1,
  run: async () => undefined,
}

const process = (cpuMs: number) => ({ cpuMs, cpuMsPerUnit: cpuMs / 10, pssMb: 2, anonymousMb: 1 })

function measured(subject: string, rates: readonly number[], cpuMs: number): Measurement {
  const samples = rates.map((perSecond) => ({
    figures: { perSecond },
    processes: { one: process(cpuMs), two: process(cpuMs) },
  }))
  return { subject, case: 'a case', unit: 'payment', samples }
}

describe('rounds', () => {
  it('reverse the order, and drop warm-up measurements', async () => {
    const order: string[] = []
    const subject = (name: string) => ({
      name,
      run: async (round: number) => {
        order.push(`${name}${round}`)
        return round
      },
    })
    const values = await inTurns([subject('a'), subject('b')], { rounds: 3, warmUps: 1 })
    expect(order).toEqual(['b-1', 'a-1', 'a0', 'b0', 'b1', 'a1', 'a2', 'b2'])
    expect([...values]).toEqual([
      ['a', [0, 1, 2]],
      ['b', [0, 1, 2]],
    ])
  })
})

describe('results', () => {
  it('have a median and a range for each figure, and for each process', () => {
    const row = summary(measured('ours', [30, 10, 20], 40))
    expect(row.rounds).toBe(3)
    expect(row.figures.get('perSecond')).toEqual({ median: 20, min: 10, max: 30 })
    expect(row.processes.get('two')?.get('cpuMsPerUnit')?.median).toBe(4)
  })

  it('add up the CPU of all processes for a unit of work, and leave it out when it is unknown', () => {
    expect(cpuMsPerUnit(measured('ours', [1, 2], 40))?.median).toBe(8)
    const unmetered = { ...measured('ours', [], 0), samples: [{ figures: { perSecond: 1 }, processes: {} }] }
    expect(cpuMsPerUnit(unmetered)).toBeUndefined()
  })

  it('compare two measurements round by round, and refuse to compare with a missing measurement', () => {
    const both = [measured('ours', [10, 100], 40), measured('bare', [20, 400], 10)]
    const of = { subject: 'ours', case: 'a case' }
    const to = { subject: 'bare', case: 'a case' }
    expect(ratioOf({ figure: 'perSecond', of, to }, both)).toEqual({ median: 0.375, min: 0.25, max: 0.5 })
    expect(ratioOf({ figure: 'cpuMsPerUnit', of, to }, both).median).toBe(4)
    expect(() => ratioOf({ figure: 'perSecond', of, to: { ...to, case: 'b' } }, both)).toThrow(
      'nothing was measured of bare, b',
    )
    expect(() => ratioOf({ figure: 'p50Ms', of, to }, both)).toThrow('no median')
  })

  it('are printed with three digits and their units', () => {
    expect([0.012345, 1.2345, 99.96, 123.4, 12345, 0].map(numberText)).toEqual([
      '0.0123',
      '1.23',
      '100',
      '123',
      '12,345',
      '0',
    ])
    expect(spreadText({ median: 2, min: 1, max: 3 })).toBe('2 (1–3)')
    expect(spreadText({ median: 2, min: 2, max: 2 })).toBe('2')
    expect(
      ['perSecond', 'recordsPerSecond', 'p50Ms', 'cpuMsPerUnit', 'readySeconds', 'found'].map(figureTitle),
    ).toEqual(['per second', 'records, /s', 'p50, ms', 'CPU ms a unit', 'ready, s', 'found'])
  })
})

describe('the command line', () => {
  it('reads counts as people write them, and names an invalid one', () => {
    const { counts } = readersOf(valuesOf(scenario, []))
    expect(counts('sizes')).toEqual([10_000, 100_000])
    expect(countOf('sizes', '1e7')).toBe(10_000_000)
    for (const wrong of ['', '-1', '1.5', '1e99', 'many', '0x10']) {
      expect(() => countOf('sizes', wrong)).toThrow(`--sizes is "${wrong}", but must be a whole number`)
    }
  })

  it('refuses an option that the scenario does not have', () => {
    expect(() => valuesOf(scenario, ['--size', '3'])).toThrow("Unknown option '--size'")
  })

  it('lists every scenario once', () => {
    const names = scenarios.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(helpOf(scenarios)).toContain(`  ${name} `)
  })
})

describe('processes of a run', () => {
  it('are all ended, also one that does not listen to SIGTERM', async () => {
    const children = new Children()
    const deaf = await children.node([
      '-e',
      'process.on("SIGTERM", () => {}); process.send({ type: "ready" }); setInterval(() => {}, 1000)',
    ])
    await deaf.message('ready')
    expect(await deaf.stop(50)).toBe('SIGKILL')
    const idle = await children.node(['-e', 'setInterval(() => {}, 1000)'])
    await children.endAll()
    expect(await idle.ended).toBe('SIGTERM')
  })

  it('say which of them ended before it was ready', async () => {
    const children = new Children()
    const failing = await children.node(['-e', 'process.exit(3)'])
    await expect(failing.message('ready')).rejects.toThrow('node ended (3) before it said "ready"')
  })
})
