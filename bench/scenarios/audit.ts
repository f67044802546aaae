import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { copyOf, grownFolder } from '../grow/grow.ts'
import type { Child } from '../harness/children.ts'
import { canMeter, type ProcessSample } from '../harness/meter.ts'
import { cpuMsOf, memoryOf } from '../harness/proc.ts'
import { inTurns } from '../harness/rounds.ts'
import type { Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import { definitionsFor, root, somePorts, startAuditableBroker } from '../support/services.ts'
import { historyOf } from './grow.ts'

const sampleEveryMs = 100

/** The figures: mainly memory; CPU is for each payment. A violation fails the run. */
export const audit: Scenario = {
  name: 'audit',
  summary: 'npm run audit, by the length of the history',
  options: {
    payments: { type: 'string', fallback: '1e4,1e5,1e6', help: 'lengths of the history' },
    people: { type: 'string', fallback: '1e5', help: 'as for grow' },
    rounds: { type: 'string', fallback: '1', help: 'of each' },
  },
  plots: [{ figure: 'seconds', title: 'npm run audit, seconds' }],
  maxMinutes: 180,
  async run(run) {
    const measurements: Measurement[] = []
    for (const payments of run.counts('payments')) {
      const data = copyOf(await grownFolder(historyOf(run, payments), run), run)
      const definitions = definitionsFor(data, await somePorts())
      const broker = await startAuditableBroker({ children: run.children, definitions })
      const brokers = definitions.get('payments')?.env.KAFKA_BROKERS ?? ''
      const subject = { name: 'audit', run: () => auditOnce(run, { brokers, payments }) }
      const values = await inTurns([subject], { rounds: run.count('rounds') })
      const name = `${payments.toLocaleString('en')} payments`
      measurements.push({ subject: 'audit', case: name, unit: 'payment', samples: values.get('audit') ?? [] })
      await broker.stop()
      rmSync(data, { recursive: true, force: true })
    }
    return { measurements }
  },
}

/** @throws Error if it finds anything */
export async function auditOnce(
  run: Run,
  { brokers, payments }: { readonly brokers: string; readonly payments: number },
): Promise<Sample> {
  const scratch = join(run.scratch, 'work', 'audit')
  mkdirSync(scratch, { recursive: true })
  const startedAt = performance.now()
  const args = [...programOfAudit(), '--brokers', brokers, '--scratch', scratch]
  const child = await run.children.node(args, { cwd: root })
  const most = await mostUntilEnd(child)
  const seconds = (performance.now() - startedAt) / 1000
  const how = await child.ended
  if (how !== 0) throw new Error(`the audit ended with ${how}`)
  rmSync(scratch, { recursive: true, force: true })
  const audit: ProcessSample = { ...most, cpuMsPerUnit: most.cpuMs / payments }
  return { figures: { seconds }, processes: canMeter ? { audit } : {} }
}

/** Flags of Node and the program, as `npm run audit` has them. */
function programOfAudit(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { audit: string } }
  return scripts.audit.split(' ').slice(2)
}

/** The memory of a process can't be read any more when it ends, so it is read again and again. */
async function mostUntilEnd({ pid, ended }: Child): Promise<Omit<ProcessSample, 'cpuMsPerUnit'>> {
  const most = { cpuMs: 0, pssMb: 0, anonymousMb: 0 }
  if (!canMeter) {
    await ended
    return most
  }
  const look = () => {
    const memory = memoryOf(pid)
    most.cpuMs = Math.max(most.cpuMs, cpuMsOf(pid) ?? 0)
    most.pssMb = Math.max(most.pssMb, memory?.pssMb ?? 0)
    most.anonymousMb = Math.max(most.anonymousMb, memory?.anonymousMb ?? 0)
  }
  const timer = setInterval(look, sampleEveryMs)
  await ended
  clearInterval(timer)
  return most
}
