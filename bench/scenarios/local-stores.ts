import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { inTurns } from '../harness/rounds.ts'
import { type Run, type Sample, type Scenario, UsageError } from '../harness/scenario.ts'
import { type StoreName, storeNames } from '../rivals/local-stores.ts'

/**
 * Compares local stores for state beside the log: each is filled in random order, does our mix in batches, is killed in the middle of a
 * batch, opened again, and checked to have whole batches only.
 */
export const localStores: Scenario = {
  name: 'local-stores',
  summary: 'LMDB, SQLite and LevelDB with the mix of a state store: rates, CPU, memory, and what a kill leaves',
  options: {
    stores: {
      type: 'string',
      fallback: 'lmdb,sqlite',
      help: 'of lmdb, sqlite and level (npm install --no-save classic-level@3.0.0)',
    },
    keys: { type: 'string', fallback: '1e6', help: 'that are there before the mix' },
    mixes: { type: 'string', fallback: '1000', help: 'in a batch' },
    batches: { type: 'string', fallback: '300', help: 'that are measured' },
    rounds: { type: 'string', fallback: '1', help: 'of each, in turns' },
  },
  plots: [
    { figure: 'mixCpuMicros', title: 'CPU of a mix, µs' },
    { figure: 'fillPerSecond', title: 'Inserts in random order, per second' },
  ],
  maxMinutes: 60,
  async run(run) {
    const names = run.text('stores').split(',').map(storeName)
    const subjects = names.map((name) => ({ name, run: () => sampleOf(name, run) }))
    const values = await inTurns(subjects, { rounds: run.count('rounds') })
    const place = `${run.count('keys').toLocaleString('en')} keys, ${run.count('mixes')} mixes a batch`
    return {
      measurements: [...values].map(([subject, samples]) => ({ subject, case: place, unit: 'mix', samples })),
    }
  },
}

function storeName(text: string): StoreName {
  const found = storeNames.find((name) => name === text)
  if (found === undefined) throw new UsageError(`There is no store "${text}": it is one of ${storeNames.join(', ')}`)
  return found
}

async function sampleOf(name: StoreName, run: Run): Promise<Sample> {
  const folder = join(run.scratch, `local-store-${name}`)
  rmSync(folder, { recursive: true, force: true })
  const child = (job: string) => {
    const numbers = ['keys', 'batches', 'mixes'].map((option) => String(run.count(option)))
    return run.children.node([join(import.meta.dirname, '../load/local-store-main.ts'), name, folder, job, ...numbers])
  }
  const writer = await child('fill')
  const { figures } = await writer.message<{ figures: Record<string, number> }>('mixed')
  await writer.kill()
  const reader = await child('check')
  const { openMs, isWhole, batch } = await reader.message<{ openMs: number; isWhole: boolean; batch: number }>(
    'checked',
  )
  await reader.stop()
  rmSync(folder, { recursive: true, force: true })
  run.print(`${name}: ${JSON.stringify(figures)}`)
  run.print(`${name}: killed after batch ${batch}, ${isWhole ? 'whole batches are there' : 'NOT whole'}`)
  return { figures: { ...figures, openAfterKillMs: openMs, wholeAfterKill: isWhole ? 1 : 0 }, processes: {} }
}
