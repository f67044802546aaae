import { afterEach, expect, it } from 'vitest'
import { bankTopology } from '../support/bank.ts'
import { bankLog, closeAll, expectExactlyOnce, payment, quiet, run, until } from '../support/simulated-bank.ts'

afterEach(closeAll)

it('reads sources that linger by a reader of their own, and pauses, resumes and closes it together with the other', async () => {
  const log = bankLog()
  const process = log.process()
  const opened: { lingerMs: number | undefined; topics: Set<string>; closed: boolean }[] = []
  const openReader = process.openReader.bind(process)
  process.openReader = (options = {}) => {
    const reader = openReader(options)
    const seen = { lingerMs: options.lingerMs, topics: new Set<string>(), closed: false }
    opened.push(seen)
    return {
      ...reader,
      assign(positions) {
        for (const { topic } of positions) seen.topics.add(topic)
        reader.assign(positions)
      },
      close() {
        seen.closed = true
        return reader.close()
      },
    }
  }
  const topology = bankTopology()
  const sources = topology.sources.map((one) => (one.topic === 'transfers' ? { ...one, lingerMs: 20 } : one))
  const bank = run(log, { process, topology: { ...topology, sources }, limits: { maxQueuedRecords: 2 } })
  await bank.ready
  for (let i = 0; i < 100; i++) log.write(payment(i))
  await until(log, quiet(log, 100))
  expectExactlyOnce(log, 100)
  const ofSources = opened.filter(({ lingerMs }) => lingerMs !== undefined)
  expect(ofSources.map(({ lingerMs, topics }) => [lingerMs, [...topics].sort()])).toEqual([
    [0, ['commands', 'owners']],
    [20, ['transfers']],
  ])
  await bank.close()
  expect(ofSources.every(({ closed }) => closed)).toBe(true)
})
