import { join } from 'node:path'
import { grownFolder } from '../grow/grow.ts'
import type { History } from '../grow/history.ts'
import { sizesOf } from '../grow/sizes.ts'
import type { Run, Scenario } from '../harness/scenario.ts'
import { numberText } from '../harness/words.ts'
import { definitionsFor, root, somePorts, startAuditableBroker } from '../support/services.ts'

/** For each number of payments, and of people; an existing folder is not changed. */
export const grow: Scenario = {
  name: 'grow',
  summary: 'makes data folders with a history, for the other scenarios; measures nothing',
  options: {
    payments: { type: 'string', fallback: '1e4,1e5,1e6', help: 'how many, comma-separated; up to 1e7' },
    people: { type: 'string', fallback: '1e5', help: 'how many; at most as many as payments, at least 20' },
    'merchant-percent': { type: 'string', fallback: '0', help: 'percentage of payments that go to one person' },
    hours: { type: 'string', fallback: '1', help: 'of log time that the history covers, up to now' },
    fresh: { type: 'boolean', fallback: false, help: 'grow them again' },
    sizes: { type: 'boolean', fallback: false, help: 'print what each takes on the disk, for a payment' },
    audit: { type: 'boolean', fallback: false, help: 'check the books of each' },
  },
  plots: [],
  maxMinutes: 120,
  async run(run) {
    for (const payments of run.counts('payments')) {
      const history = {
        ...historyOf(run, payments),
        merchantPercent: run.count('merchant-percent'),
        hours: run.count('hours'),
      }
      const folder = await grownFolder(history, run, { fresh: run.flag('fresh') })
      run.print(folder)
      if (run.flag('sizes')) tellSizes(run, folder, payments)
      if (run.flag('audit')) await audit(join(folder, 'data'), run)
    }
    return undefined
  },
}

/**
 * With the people of the option; at most as many as payments, since a person without a payment is no part of a history.
 */
export function historyOf(run: Pick<Run, 'count'>, payments: number): History {
  return { payments, people: Math.max(20, Math.min(run.count('people'), payments)), merchantPercent: 0, hours: 1 }
}

function tellSizes({ print }: Run, folder: string, payments: number): void {
  for (const [name, bytes] of sizesOf(join(folder, 'data'))) {
    print(`${numberText(bytes / payments).padStart(8)} B a payment  ${numberText(bytes / 1e6).padStart(8)} MB  ${name}`)
  }
}

/** @throws Error if the books do not balance */
async function audit(data: string, { children, print }: Run): Promise<void> {
  const definitions = definitionsFor(data, await somePorts())
  const broker = await startAuditableBroker({ children, definitions })
  const brokers = definitions.get('payments')?.env.KAFKA_BROKERS ?? ''
  const startedAt = performance.now()
  const main = join(root, 'apps/audit/src/main.ts')
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
  const child = await children.node([main, '--brokers', brokers], { stdio: [...stdio] })
  const how = await child.ended
  await broker.stop()
  if (how !== 0) throw new Error(`the audit of ${data} ended with ${how}`)
  print(`the audit took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}
