/**
 * `npm run repair` as an operator uses it: the service stops at a record, the command shows the record and sets it aside, and the service
 * continues.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBroker } from '@streampay/broker'
import { applicationIds, topicNames } from '@streampay/domain'
import { partitionForKey } from '@streampay/kafka'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { breakBatch } from '../../../packages/gateway/test/support/broken-batch.ts'
import { configFrom } from '../src/config.ts'
import { requestFrom } from '../src/repair/options.ts'
import { repair } from '../src/repair/repair.ts'
import { type PaymentsService, startService } from '../src/service.ts'
import { type LogClient, openLogClient } from './support/log-client.ts'

const logger = pino({ level: 'silent' })
let dataDir: string
let broker: Awaited<ReturnType<typeof startBroker>>
let client: LogClient
let running: PaymentsService | undefined

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'streampay-repair-'))
  broker = await startBroker({ dataDir, port: 0, logger })
  running = await start()
  client = await openLogClient(address())
  client.follow()
  await client.register('ann', 'bea')
  await client.eventuallyBalance('ann', 50_000)
  await client.eventuallyBalance('bea', 50_000)
})

afterEach(async () => {
  await running?.close().catch(() => undefined)
  await client.close()
  await broker.close()
  await rm(dataDir, { recursive: true, force: true })
})

const address = () => `127.0.0.1:${broker.port}`

function start(): Promise<PaymentsService> {
  return startService({
    config: configFrom({}),
    client: { brokers: [address()], clientId: 'streampay-payments' },
    replicationFactor: -1,
    logger,
  })
}

type Run = { readonly code: number; readonly output: string }

/** Runs the command after its line is parsed; a test below runs it as a process. */
async function run(...args: string[]): Promise<Run> {
  const request = requestFrom(args)
  if (request === 'help') throw new Error('help is for the process')
  const lines: string[] = []
  const options = { cluster: client.cluster, logger, nowMs: () => 1, print: (line: string) => void lines.push(line) }
  return { code: await repair(request, options), output: lines.join('\n') }
}

type Ended = { readonly code: number | null; readonly output: string }

function ranAs(...args: string[]): Promise<Ended> {
  const main = fileURLToPath(new URL('../src/repair/main.ts', import.meta.url))
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  const child = spawn(process.execPath, [main, ...args, '--brokers', address()], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  child.on('error', reject)
  child.on('close', (code) => resolve({ code, output }))
  return promise
}

/** Writes a record that the application never would; resolves with its coordinates. */
async function spoil(topic: string, key: string, value: string): Promise<string> {
  const [written] = await client.producer.send([{ topic, key, value }])
  return `${topic}/${written?.partition}/${written?.offset}`
}

/** The service ends at the record, while it runs or when it starts again. */
async function expectStopped(place: string, service: PaymentsService | undefined): Promise<void> {
  await expect(service?.done).rejects.toThrow(place)
  await service?.close().catch(() => undefined)
  // It may be ready, and read the record after that.
  const again = start()
  await expect(again.then(({ done }) => done)).rejects.toThrow(place)
  await again.then((started) => started.close()).catch(() => undefined)
}

const pay = (key: string) => ({ identity: 'ann', model: 'PayCommand', body: { userId: 'bea', amount: 100 }, key })

describe('npm run repair', () => {
  it('says so when nothing stops payments and statistics', async () => {
    await running?.close()
    expect(await run()).toEqual({ code: 0, output: 'No record stops payments and statistics.' })
    expect(await run('--list')).toEqual({ code: 0, output: 'nothing is set aside' })
    const untouched = await run('--set-aside', 'transactions/0/0', '--reason', 'a try')
    expect(untouched.output).toContain('transactions/0/0 does not stop payments or statistics, so it is not set aside.')
    expect(untouched.code).toBe(1)
  }, 120_000)

  // With one record on `transactions` that is no JSON, the application could not be started any more, and nothing said how to continue.
  it('shows the record of the ledger that stops them, and sets it aside, after which they pay again', async () => {
    expect((await client.run(pay('before'))).status).toBe(200)
    const place = await spoil(topicNames.transactions, 'ann', 'no \u001b[31mJSON')
    await expectStopped(place, running)

    const found = await run()
    expect(found.code).toBe(1)
    expect(found.output).toContain(`${place} stops ${applicationIds.payments}: it is to be processed by task`)
    expect(found.output).toContain(`${place} stops ${applicationIds.statistics}: it is to be processed by task`)
    expect(found.output).toContain('the value is not JSON in UTF-8')
    expect(found.output).toContain('key      ann')
    expect(found.output).toContain('text     no \\u{1b}[31mJSON')
    expect(found.output).toContain(Buffer.from('no \u001b[31mJSON').toString('hex'))
    expect(found.output).toContain('parsed   not as JSON: ')
    expect((await run('--set-aside', 'transactions/3/999', '--reason', 'a slip')).output).toContain(place)

    expect((await run('--set-aside', place, '--reason', 'written by hand, no entry')).code).toBe(0)
    expect((await run('--list')).output).toContain(`${place}  `)
    expect((await run('--list')).output).toContain('written by hand, no entry')
    expect(await run()).toEqual({ code: 0, output: 'No record stops payments and statistics.' })
    running = await start()
    expect(await client.run(pay('after'))).toMatchObject({ status: 200, body: { balance: 49_800 } })
    await client.eventuallyBalance('bea', 50_200)
  }, 120_000)

  it('shows a changelog record that no store can be restored from, and sets it aside', async () => {
    await running?.close()
    const partition = partitionForKey('ann', 4)
    const place = await spoil(topicNames.balances, 'ann', '{"account":"ann"}')
    await expect(start()).rejects.toThrow(place)
    const found = await run()
    expect(found.output).toContain(`${place} stops ${applicationIds.payments}: it is to restore task ${partition}`)
    expect(found.output).toContain('the value does not satisfy its schema')
    expect((await run('--set-aside', place, '--reason', 'half a balance')).code).toBe(0)
    running = await start()
    expect(await client.run(pay('after'))).toMatchObject({ status: 200, body: { balance: 49_900 } })
  }, 120_000)

  it('sets aside a batch that no topology reads, but at which views stop', async () => {
    for (const value of ['1', '2']) await spoil(topicNames.activities, 'ann', value)
    const broken = await client.eventually('the second', () =>
      client.records(topicNames.activities).find(({ value }) => String(value) === '2'),
    )
    await running?.close()
    await breakBatch({ dataDir }, broken)
    const place = `${broken.topic}/${broken.partition}/${broken.offset}`
    const ofReadable = `${broken.topic}/${broken.partition}/${broken.offset - 1}`
    expect(await run()).toEqual({ code: 0, output: 'No record stops payments and statistics.' })
    expect((await run('--set-aside', ofReadable, '--reason', 'a slip')).code).toBe(1)
    expect((await run('--set-aside', 'nowhere/0/0', '--reason', 'a slip')).code).toBe(1)
    expect(await run('--set-aside', place, '--reason', 'a damaged disk')).toEqual({
      code: 0,
      output: `${place} is set aside. Gateways continue without a restart.`,
    })
    expect((await run('--list')).output).toContain(`${place}  `)
  }, 120_000)

  // A tombstone did not help: until the topic was compacted, the note before it still stopped everything.
  it('continues once a note that cannot be read has been taken back', async () => {
    await running?.close()
    const place = await spoil(topicNames.setAside, 'a slip', 'no JSON')
    await expect(start()).rejects.toThrow(`The note at ${place}`)
    await expect(run()).rejects.toThrow('cannot be read')
    await expect(run('--list')).rejects.toThrow(`The record at ${place} is not a note.`)

    await client.producer.send([{ topic: topicNames.setAside, key: 'a slip', value: null }])
    expect(await run()).toEqual({ code: 0, output: 'No record stops payments and statistics.' })
    expect(await run('--list')).toEqual({ code: 0, output: 'nothing is set aside' })
    running = await start()
    expect((await client.run(pay('after'))).status).toBe(200)
  }, 120_000)

  it('explains itself, and refuses what it does not understand', async () => {
    const help = await ranAs('--help')
    expect(help.code).toBe(0)
    expect(help.output).toContain('--set-aside <place>')
    expect((await ranAs('--reason', 'x')).code).toBe(2)
    await running?.close()
    expect(await ranAs()).toEqual({ code: 0, output: 'No record stops payments and statistics.\n' })
    const reason = ['--reason', 'x']
    const refusals: [string[], string][] = [
      [['--set-aside', 'transactions/1', ...reason], 'is not topic/partition/offset'],
      [['--set-aside', 'transactions/1/2'], 'needs a --reason of 1 to 500 characters'],
      [['--set-aside', 'transactions/1/2', '--reason', '  '], 'needs a --reason'],
      [['--set-aside', 'transactions/1/2', '--reason', 'x'.repeat(501)], 'needs a --reason'],
      [reason, '--reason belongs to --set-aside'],
      [['--list', '--set-aside', 'transactions/1/2', ...reason], 'not both'],
      [['transactions/1/2'], 'Unexpected argument'],
    ]
    for (const [args, sentence] of refusals) expect(() => requestFrom(args)).toThrow(sentence)
    expect(requestFrom(['--set-aside', 'transactions/1/2', '--reason', '\u{1f600}'.repeat(500)])).toMatchObject({
      place: { topic: 'transactions', partition: 1, offset: 2 },
    })
  }, 120_000)
})

describe('docs/operations.md', () => {
  it('has the commands that the tests above ran', async () => {
    const text = await readFile(fileURLToPath(new URL('../../../docs/operations.md', import.meta.url)), 'utf8')
    for (const command of [
      'npm run repair',
      'npm run repair -- --set-aside',
      'npm run repair -- --list',
      'npm run audit',
    ]) {
      expect(text).toContain(command)
    }
  })
})
