/** A few histories of the model in every run of the tests. `npm run test:model` runs any number. */
import { describe, expect, it } from 'vitest'
import { allDuties, type Duties } from './cluster.ts'
import { generate } from './generate.ts'
import { commandsOf, describeHistory, faultsOf, type History } from './history.ts'
import { runHistory } from './run-history.ts'
import { shrink } from './shrink.ts'

const commands = 200

function historyOf(seed: number): History {
  return generate({ seed, commands, maxSlots: 3 })
}

describe('the payments and statistics topologies on a log whose every step a seed decides', () => {
  const chance = Date.now() % 1_000_000_000
  it.each([1, 2, 3, 4, 5, 6, 7, 8, chance])('do what the naive bank derives, from seed %i', async (seed) => {
    const run = await runHistory(historyOf(seed))
    expect(run.violations, `npm run test:model -- --seed ${seed} --histories 1`).toEqual([])
    expect(run.transactions).toBeGreaterThan(20)
  })

  it('do exactly the same again from the same seed, and something different from another seed', async () => {
    const history = historyOf(9)
    const first = await runHistory(history)
    const again = await runHistory(history)
    const other = await runHistory({ ...history, seed: 10 })
    expect(again.hash).toBe(first.hash)
    expect(other.hash).not.toBe(first.hash)
  })
})

describe('the model', () => {
  // Seeds from which it is found soon: from others it takes a few histories more.
  const missing: { name: string; duties: Partial<Duties>; from: number }[] = [
    { name: 'the log checks no producer epochs', duties: { fencing: false }, from: 1 },
    { name: 'the log checks no members and generations', duties: { membership: false }, from: 3 },
    { name: 'readers do not leave aborted records out', duties: { filter: false }, from: 1 },
  ]
  it.each(missing)('finds what goes wrong when $name', async ({ duties, from }) => {
    expect(await firstFailure({ ...allDuties, ...duties }, from)).toBeDefined()
  })

  it('reports its own failure as any other, so that the seed is known', async () => {
    const { settings, ...rest } = historyOf(1)
    const run = await runHistory({ ...rest, settings: { ...settings, speeds: [] } })
    expect(run.violations.join()).toContain('model: the model itself failed: Error: there is nothing to pick from')
  })

  it('makes a failing history small', async () => {
    const duties = { ...allDuties, filter: false }
    const failing = await firstFailure(duties, 1)
    if (failing === undefined) throw new Error('nothing failed')
    const run = await runHistory(failing, { duties })
    const options = { run: (smaller: History) => runHistory(smaller, { duties }), maxRuns: 150 }
    const { history, run: smallRun } = await shrink({ history: failing, run }, options)
    expect(smallRun.violations).not.toEqual([])
    expect(commandsOf(history) + faultsOf(history)).toBeLessThan(commandsOf(failing) / 4)
    expect(describeHistory(history)).toContain('scheduler seed')
  })
})

async function firstFailure(duties: Duties, from: number): Promise<History | undefined> {
  for (let seed = from; seed < from + 60; seed++) {
    const history = historyOf(seed)
    if ((await runHistory(history, { duties })).violations.length > 0) return history
  }
  return undefined
}
