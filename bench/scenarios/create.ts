import { join } from 'node:path'
import { startMeter } from '../harness/meter.ts'
import type { Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import { root } from '../support/services.ts'

type Done = { readonly type: 'done'; readonly readyMs: readonly number[] }

/** What a test file waits for: the first broker of a process loads and compiles what it needs, the others do not. */
export const create: Scenario = {
  name: 'create',
  summary: 'createBroker in a process that runs already: until clients can connect, the first time and later ones',
  options: {
    brokers: { type: 'string', fallback: '20', help: 'in one process, one after the other' },
    rounds: { type: 'string', fallback: '5', help: 'processes' },
  },
  plots: [{ figure: 'firstMs', title: 'From createBroker until it serves, the first of a process, ms' }],
  maxMinutes: 10,
  async run(run) {
    const measurements: Measurement[] = []
    for (const subject of ['in memory', 'on disk']) {
      const samples: Sample[] = []
      for (let round = 0; round < run.count('rounds'); round++) samples.push(await sampleOf(run, subject))
      measurements.push({ subject, case: 'empty log', unit: 'process', samples })
    }
    return { measurements }
  },
}

async function sampleOf({ children, count }: Run, where: string): Promise<Sample> {
  const main = join(root, 'bench/load/create-broker-main.ts')
  const creator = await children.node([main, where, String(count('brokers'))])
  const { readyMs } = await creator.message<Done>('done')
  const processes = startMeter({ creator: creator.pid }, { sinceStart: true }).end(1)
  await creator.stop()
  const [firstMs = 0, ...later] = readyMs
  const sorted = later.toSorted((left, right) => left - right)
  const laterP50Ms = sorted[Math.floor(sorted.length / 2)] ?? 0
  return { figures: { firstMs, laterP50Ms, laterMostMs: sorted.at(-1) ?? 0 }, processes }
}
