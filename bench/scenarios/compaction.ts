import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startMeter } from '../harness/meter.ts'
import type { Sample, Scenario } from '../harness/scenario.ts'
import type { CompactionSample } from '../load/compaction-sample.ts'
import { root } from '../support/services.ts'

const samplesOfMinute = 6

/** A round is ten seconds of one run; so the range shows whether anything grows. CPU includes the worker. */
export const compaction: Scenario = {
  name: 'compaction',
  summary: 'whether compaction keeps up with writers at full rate, and what the log takes on disk meanwhile',
  options: {
    minutes: { type: 'string', fallback: '5', help: 'of writing' },
    keys: { type: 'string', fallback: '1e6', help: 'that are overwritten' },
    rate: { type: 'string', fallback: '20000', help: 'records a second' },
  },
  plots: [],
  maxMinutes: 90,
  async run(run) {
    mkdirSync(join(run.scratch, 'work'), { recursive: true })
    const folder = mkdtempSync(join(run.scratch, 'work', 'compaction-'))
    const rate = run.count('rate')
    const main = join(root, 'bench/load/compaction-main.ts')
    const child = await run.children.node([main, folder, String(run.count('keys')), String(rate)])
    const samples: Sample[] = []
    let meter = startMeter({ log: child.pid })
    while (samples.length < run.count('minutes') * samplesOfMinute) {
      const { figures, records } = await child.message<CompactionSample>('sample')
      samples.push({ figures, processes: meter.end(records) })
      meter = startMeter({ log: child.pid })
      run.print(`${Math.round(figures.perSecond ?? 0)}/s, ${Math.round(figures.diskMb ?? 0)} MB on disk`)
    }
    await child.stop()
    rmSync(folder, { recursive: true, force: true })
    const name = `${rate.toLocaleString('en')} records/s`
    return { measurements: [{ subject: 'log', case: name, unit: 'record', samples }] }
  },
}
