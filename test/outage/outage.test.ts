import { expect, it } from 'vitest'
import { startEmbeddedLog } from '../support/embedded-log.ts'
import { runOutage } from './outage.ts'

it('all services get over a log that is away, by themselves, with nothing lost or doubled', async () => {
  const log = await startEmbeddedLog()
  const lines: string[] = []
  try {
    const faults = await runOutage({ log, seconds: 12, print: (line) => lines.push(line) })
    expect(faults, lines.join('\n')).toEqual([])
  } finally {
    await log.close()
  }
}, 180_000)
