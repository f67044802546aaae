/** `npx @streampay/broker`: its arguments, what it prints, and how it ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apis } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { ArgumentError, wantedOf } from '../src/terminal/arguments.ts'
import { endsWithTest } from './support/broker-process.ts'
import { createTopic, produceOne, testBroker, wireClient } from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

/** Without what the environment of the tests may say. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BROKER_|LOG_LEVEL$)/.test(name)))

function run(words: readonly string[], settings: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--no-warnings', cli, ...words], {
    cwd: temporaryFolder(),
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endsWithTest(child)
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  return { child, said, ended }
}

/** When it has said all that it says at its start. */
async function ready(words: readonly string[], settings: Record<string, string> = {}) {
  const running = run(words, settings)
  await expect.poll(() => running.said.out + running.said.err, { timeout: 20_000 }).toContain('Ctrl-C ends it.\n')
  const [, host = '', port = ''] = /served at ([\d.]+):(\d+)\./.exec(running.said.out) ?? []
  return { ...running, address: { host, port: Number(port) } }
}

const endOf = async (address: { host: string; port: number }, name: string) => {
  const { topics } = await (await wireClient(address)).call(apis.listOffsets, {
    topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  })
  return topics[0]?.partitions[0]?.offset
}

test.each(['SIGINT', 'SIGTERM'] as const)('without options the log is in memory, and %s ends it', async (signal) => {
  const { child, said, address, ended } = await ready(['--port', '0'])
  expect(said.out).toContain(`kcat -b 127.0.0.1:${address.port} -L\n`)
  expect(said.out).toContain('The log is in memory: it is lost when this process ends.')
  await createTopic(await wireClient(address), 't')
  child.kill(signal)
  const { code, out, err } = await ended
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out.split('\n').slice(-2)).toEqual(['Ended. The log in memory is gone.', ''])
})

test('--data keeps the log for the next start, and --topic makes topics that are not there', async () => {
  const dataDir = join(temporaryFolder(), 'log')
  const words = ['--port', '0', '--data', dataDir, '--topic', 'news:3', '--topic', 'more']
  const first = await ready(words)
  expect(first.said.out).toContain(`The log is in the folder ${dataDir}`)
  expect(first.said.out).toContain('-P -t news\n')
  const client = await wireClient(first.address)
  const { topics } = await client.call(apis.metadata, { topics: [{ name: 'news' }, { name: 'more' }] })
  expect(topics.map(({ partitions }) => partitions.length)).toEqual([3, 1])
  await produceOne(client, { topic: 'news', value: 'a' })
  first.child.kill('SIGINT')
  expect(await first.ended).toMatchObject({
    code: 0,
    out: expect.stringContaining(`Ended. The log is in ${dataDir}.\n`),
  })
  const second = await ready(words)
  expect(await endOf(second.address, 'news')).toBe(1)
})

test('the environment says what the words do not, and the words win', async () => {
  const dataDir = join(temporaryFolder(), 'log')
  const settings = { BROKER_DATA_DIR: dataDir, BROKER_PORT: '0', BROKER_DEFAULT_PARTITIONS: '4' }
  const { address, said } = await ready(['--memory', '--auto-create-topics', '--host', '127.0.0.2'], settings)
  expect(address.host).toBe('127.0.0.2')
  expect(said.out).toContain('-P -t greetings\n')
  expect(existsSync(dataDir)).toBe(false)
  const client = await wireClient(address)
  await client.call(apis.metadata, { topics: [{ name: 'new' }], allowAutoTopicCreation: true })
  const { topics } = await client.call(apis.metadata, { topics: [{ name: 'new' }] })
  expect(topics[0]?.partitions).toHaveLength(4)
  const other = await ready([], settings)
  expect(other.said.out).toContain(`The log is in the folder ${dataDir}`)
})

test('warnings about clients are lines for people, and --log-level silences them', async () => {
  for (const [words, says] of [
    [[], 'warn: connection closed because the client sent invalid data ('],
    [['--log-level', 'silent'], ''],
  ] as const) {
    const { child, address, ended } = await ready(['--port', '0', ...words])
    const client = await wireClient(address)
    client.send(Buffer.from([1]))
    await client.closed
    child.kill('SIGINT')
    const { err } = await ended
    expect(err.slice(0, says.length)).toBe(says)
    expect(err === '').toBe(says === '')
  }
})

test('--help and --version answer and end', async () => {
  const help = await run(['--help']).ended
  expect(help).toMatchObject({ code: 0, err: '' })
  expect(help.out).toContain('Usage: npx @streampay/broker [options]')
  expect(await run(['--version']).ended).toEqual({ code: 0, err: '', out: '0.1.0\n' })
})

test('says in one sentence that its port is taken, and what helps', async () => {
  const { port } = await testBroker()
  const sentence = `broker: port ${port} of 127.0.0.1 is in use by another program: choose another one with --port, or any free one with --port 0\n`
  expect(await run(['--port', String(port)]).ended).toEqual({ code: 1, out: '', err: sentence })
})

test('says that its folder is in use, or no folder', async () => {
  const dataDir = temporaryFolder()
  await testBroker({ dataDir })
  expect((await run(['--port', '0', '--data', dataDir]).ended).err).toContain(`The data folder ${dataDir} is in use by`)
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  const { code, err } = await run(['--port', '0', '--data', file]).ended
  expect(code).toBe(1)
  expect(err).toMatch(/^broker: [^\n]*ENOTDIR[^\n]*\n$/)
})

test.each([
  [['--port', 'many'], '--port must be a whole number from 0 to 65535, not "many"'],
  [['--port', '65536'], '--port must be a whole number'],
  [['--port', ''], '--port must be a whole number'],
  [['--port', '0x50'], '--port must be a whole number'],
  [['--port', '1e3'], '--port must be a whole number'],
  [['--memory', '--data', 'x'], '--memory and --data exclude each other'],
  [['--data', ''], '--data must name a folder'],
  [['--topic', 'orders:0'], '--topic must be a name'],
  [['--topic', ':3'], '--topic must be a name'],
  [['--log-level', 'loud'], '--log-level must be one of silent, error, warn, info, debug, not "loud"'],
  [['--prot', '1'], '--prot'],
  [['here'], 'here'],
])('refuses the words %j', (words, says) => {
  expect(() => wantedOf(words, {})).toThrow(ArgumentError)
  expect(() => wantedOf(words, {})).toThrow(says)
})

test('says in a sentence what it does not understand, and where to look', async () => {
  const err = 'broker: --memory and --data exclude each other\nSee --help.\n'
  expect(await run(['--memory', '--data', 'x']).ended).toEqual({ code: 2, out: '', err })
})

test('refuses a topic that can not be, and an address of a network', async () => {
  for (const [words, says] of [
    [['--topic', 'a b'], 'a b'],
    [['--host', '0.0.0.0'], 'the broker listens on loopback addresses only, and 0.0.0.0 is not one'],
  ] as const) {
    const { code, err } = await run(['--port', '0', ...words]).ended
    expect(code).toBe(1)
    expect(err).toContain(says)
    expect(err.split('\n')).toHaveLength(2)
  }
})
