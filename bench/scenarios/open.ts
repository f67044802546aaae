import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Child } from '../harness/children.ts'
import { startMeter } from '../harness/meter.ts'
import type { Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import type { LogReads } from '../load/log-reads.ts'
import { root } from '../support/services.ts'

/** This much more is written before each kill, so that the journal has records that the segments may lack. */
const moreGigabytes = 0.02

/** The time should depend on the tail alone. CPU is that of the process, from its beginning. */
export const open: Scenario = {
  name: 'open',
  summary:
    'the embedded broker opens a log of so many gigabytes: after a clean end, after SIGKILL, and its first reads',
  options: {
    gigabytes: { type: 'string', fallback: '0,1,5,10', help: 'comma-separated' },
    rounds: { type: 'string', fallback: '3', help: 'of each' },
  },
  plots: [{ figure: 'readyMs', title: 'From the start of the broker until it serves, ms' }],
  maxMinutes: 60,
  async run(run) {
    const measurements: Measurement[] = []
    for (const gigabytes of run.counts('gigabytes')) {
      mkdirSync(join(run.scratch, 'work'), { recursive: true })
      const folder = mkdtempSync(join(run.scratch, 'work', 'open-'))
      await filled(run, { folder, gigabytes, end: (writer) => writer.stop() })
      const [afterEnd, afterKill, reads]: [Sample[], Sample[], Sample[]] = [[], [], []]
      for (let round = 0; round < run.count('rounds'); round++) {
        afterEnd.push(await startOf(run, folder))
        await filled(run, { folder, gigabytes: moreGigabytes, end: (writer) => writer.kill() })
        afterKill.push(await startOf(run, folder))
        reads.push(await readsOf(run, folder))
      }
      rmSync(folder, { recursive: true, force: true })
      const name = `${gigabytes} GB`
      measurements.push({ subject: 'after a clean end', case: name, unit: 'start', samples: afterEnd })
      measurements.push({ subject: 'after SIGKILL', case: name, unit: 'start', samples: afterKill })
      measurements.push({ subject: 'first reads', case: name, unit: 'start', samples: reads })
    }
    return { measurements }
  },
}

type Filling = { readonly folder: string; readonly gigabytes: number; end(writer: Child): Promise<unknown> }

/** Waits until this much is written, and kills the writer while it writes on. */
async function filled({ children }: Run, { folder, gigabytes, end }: Filling): Promise<void> {
  const writer = await children.node([join(root, 'bench/load/log-fill-main.ts'), folder, String(gigabytes)])
  await writer.message('filled')
  await end(writer)
}

async function startOf({ children }: Run, folder: string): Promise<Sample> {
  const startedAt = performance.now()
  const broker = await children.node(['--max-semi-space-size=4', join(root, 'packages/broker/src/main.ts')], {
    env: { ...process.env, BROKER_DATA_DIR: folder, BROKER_PORT: '0', LOG_LEVEL: 'warn' },
  })
  await broker.message('ready')
  const readyMs = performance.now() - startedAt
  const processes = startMeter({ broker: broker.pid }, { sinceStart: true }).end(1)
  await broker.stop()
  return { figures: { readyMs }, processes }
}

async function readsOf({ children }: Run, folder: string): Promise<Sample> {
  const reader = await children.node([join(root, 'bench/load/log-read-main.ts'), folder])
  const { type: _, ...figures } = await reader.message<LogReads>('done')
  const processes = startMeter({ reader: reader.pid }, { sinceStart: true }).end(1)
  await reader.stop()
  return { figures, processes }
}
