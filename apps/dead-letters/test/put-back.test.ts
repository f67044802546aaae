/** From end to end: a fault in the payments service, its dead letter, the fault mended, and the command put back. */
import { readLogCut, verify } from '@streampay/audit'
import { headerNames, jsonContentType, topicNames } from '@streampay/domain'
import { ensureTopics, paymentsTopology, statisticsTopology } from '@streampay/payments'
import { type RunningTopology, runTopology, type Topology } from '@streampay/streams'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { deadLetters, deadLettersProcess } from './support/command.ts'
import { openTestLog, type TestLog } from './support/log.ts'

let log: TestLog
let running: RunningTopology[] = []

beforeEach(async () => {
  log = await openTestLog()
  await ensureTopics(log.cluster, { replicationFactor: -1 })
})
afterEach(async () => {
  await stop()
  await log.close()
})

const logger = pino({ level: 'silent' })

/** Fails after all processing, on records whose value has the word. */
function withFaultOn(word: string, topology: Topology): Topology {
  const sources = topology.sources.map((source): Topology['sources'][number] => ({
    ...source,
    process: (record, context) => {
      const wait = source.process(record, context)
      if (record.value?.includes(word)) throw new TypeError(`${word} is not a function`)
      return wait
    },
  }))
  return { ...topology, sources }
}

async function start(...topologies: Topology[]): Promise<void> {
  running = topologies.map((topology) =>
    runTopology(topology, { cluster: log.cluster, slot: 0, logger, registry: new Registry() }),
  )
  await Promise.all(running.map(({ ready }) => ready))
}

async function stop(): Promise<void> {
  await Promise.all(running.map((topology) => topology.close()))
  running = []
}

const profile = (id: string, name = `${id} by name`) => ({
  topic: topicNames.users,
  key: id,
  value: JSON.stringify({ id, name, username: id }),
  headers: { [headerNames.identity]: id },
})

const pay = (correlationId: string, body: object, key: string) => ({
  topic: topicNames.commands,
  key: 'ann',
  value: JSON.stringify(body),
  headers: {
    [headerNames.domainModel]: 'PayCommand',
    [headerNames.identity]: 'ann',
    [headerNames.correlationId]: correlationId,
    [headerNames.replyTo]: topicNames.replies,
    [headerNames.idempotencyKey]: key,
    [headerNames.contentType]: jsonContentType,
  },
})

function statusesOf(correlationId: string) {
  return expect.poll(
    async () => {
      const replies = await log.records(topicNames.replies)
      return replies
        .filter(({ key }) => key?.toString() === correlationId)
        .map(({ headers }) => Object.fromEntries(headers.map(([name, value]) => [name, value?.toString()]))[':status'])
    },
    { timeout: 10_000 },
  )
}

function balanceOfAnn() {
  return expect.poll(
    async () => {
      const balances = await log.records(topicNames.balances)
      const last = balances.findLast(({ key }) => key?.toString() === 'ann')
      return JSON.parse(last?.value?.toString() ?? '{}').balance
    },
    { timeout: 10_000 },
  )
}

it('puts a command back once its fault is mended; it is carried out once, even if that is repeated', async () => {
  await start(withFaultOn('boom', paymentsTopology()), statisticsTopology())
  await log.put(profile('ann'), profile('bea'))
  await balanceOfAnn().toBe(50_000)
  const command = pay('c-1', { userId: 'bea', amount: 700, notes: 'boom' }, 'k-1')
  await log.put(command)
  await statusesOf('c-1').toEqual(['500'])

  const all = await deadLetters(log.port, 'list')
  expect(all.output).toMatch(/^\d\/0 {2}\S+ {2}commands\/\d\/0 {2}PayCommand of ann\n {6}boom is not a function\n$/)
  const id = all.output.slice(0, 3)
  const one = await deadLetters(log.port, 'show', id)
  expect(one.output).toMatch(/TypeError: boom is not a function\n\s+at .*put-back\.test\.ts/)
  expect(one.output).toContain('idempotency-key: k-1')
  expect([all.code, one.code]).toEqual([0, 0])

  // Still broken: it fails again, reports that, and leaves another letter.
  const early = await deadLetters(log.port, 'replay', id, '--yes')
  expect(early.output).toMatch(/answered with 500: The command could not be processed; it had no effect\./)
  expect(early.code).toBe(1)
  expect(await log.records(topicNames.deadLetters)).toHaveLength(2)

  await stop()
  await start(paymentsTopology(), statisticsTopology())
  const before = await log.records(topicNames.commands)
  const dry = await deadLetters(log.port, 'replay', '--reason', 'BOOM')
  expect(dry.output).toContain('left out: an earlier letter has the same key')
  expect(dry.output).toContain('1 of 2 letters can be put back. Add --yes to do it.')
  expect(await log.records(topicNames.commands)).toHaveLength(before.length)

  const done = await deadLettersProcess(log.port, 'replay', id, '--yes')
  expect(done).toMatchObject({ code: 0, output: expect.stringMatching(/is commands\/\d\/2, answered with 200\n$/) })
  const again = await deadLetters(log.port, 'replay', '--all', '--yes')
  expect(again).toMatchObject({ code: 0, output: expect.stringMatching(/is commands\/\d\/3, answered with 200\n$/) })
  await balanceOfAnn().toBe(49_300)

  const written = await log.records(topicNames.commands)
  expect(new Set(written.map(({ partition }) => partition)).size).toBe(1)
  for (const { key, value, headers } of written) {
    expect([key?.toString(), value?.toString()]).toEqual(['ann', command.value])
    expect(Object.fromEntries(headers.map(([name, text]) => [name, text?.toString()]))).toEqual(command.headers)
  }
  await expect.poll(async () => verify(await readLogCut(log.cluster, { nowMs: Date.now }))).toEqual([])
}, 60_000)

it('does not do again what its sender has meanwhile done with the same key', async () => {
  await start(withFaultOn('boom', paymentsTopology()))
  await log.put(profile('ann'), profile('bea'))
  const body = { userId: 'bea', amount: 700, notes: 'boom' }
  await log.put(pay('c-1', body, 'k-1'))
  await statusesOf('c-1').toEqual(['500'])
  await stop()
  await start(paymentsTopology())
  await log.put(pay('c-2', body, 'k-1'))
  await statusesOf('c-2').toEqual(['200'])

  const { code, output } = await deadLetters(log.port, 'replay', '--origin', 'commands', '--yes')
  expect([code, output]).toEqual([0, expect.stringContaining('answered with 200')])
  await statusesOf('c-1').toEqual(['500', '200'])
  await balanceOfAnn().toBe(49_300)
}, 60_000)

it('puts a profile back, unless a newer one has replaced it', async () => {
  await start(withFaultOn('boom', paymentsTopology()))
  await log.put(profile('ann', 'boom'), profile('bea', 'boom'))
  await expect.poll(() => log.records(topicNames.deadLetters)).toHaveLength(2)
  await stop()
  await log.put(profile('bea', 'Bea'))
  await start(paymentsTopology())

  const { code, output } = await deadLetters(log.port, 'replay', '--origin', 'users', '--yes')
  expect(output).toMatch(/refused: it would overwrite users\/\d\/1, a newer record of its key/)
  expect(output).toMatch(/is users\/\d\/1$/m)
  expect(code).toBe(1)
  await balanceOfAnn().toBe(50_000)
}, 60_000)
