/**
 * How other programs, proxies, folders and logs affect a start: each problem is found before anything runs, and
 * explained.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { writeRunFile } from '@streampay/process/run-file'
import { expect, onTestFinished, test, vi } from 'vitest'
import { bareEnv } from '../../../test/support/bare-env.ts'
import { freePorts } from '../../../test/support/free-ports.ts'
import { openTestLog } from '../../dead-letters/test/support/log.ts'
import { banner } from '../src/banner.ts'
import { withoutLoopbackProxy } from '../src/loopback-env.ts'
import { makeFolder } from '../src/make-folder.ts'
import { parseOptions } from '../src/options.ts'
import { checkPorts } from '../src/ports.ts'

// Several start a process that loads all of a service.
vi.setConfig({ testTimeout: 60_000 })

const run = promisify(execFile)
const root = dirname(dirname(dirname(import.meta.dirname)))
const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'streampay setting up '))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function portOf<S extends Server>(server: S): Promise<number> {
  if (!server.listening) await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** The launcher, until it ends. */
async function launch(...args: readonly (string | number)[]) {
  const child = spawn(process.execPath, [join(root, 'apps/launcher/src/main.ts'), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let words = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      words += chunk.toString()
    })
  }
  const [code] = await once(child, 'close')
  return { code, words }
}

test.runIf(hasIpv6)(
  'a program that has a port on [::1] alone is found, and reported, because browsers would reach it',
  async () => {
    // The start said "ready", and the browser showed the other program.
    const port = await portOf(createServer().listen({ port: 0, host: '::1' }))
    await expect(checkPorts([{ port, option: '--port' }])).rejects.toThrow(
      `Port ${port} is in use on [::1], where browsers look for localhost first: stop what uses it, or choose another with --port.`,
    )
  },
)

test.each(['127.0.0.1', '0.0.0.0', ...(hasIpv6 ? ['::'] : [])])(
  'a program that listens on %s is found',
  async (host) => {
    const port = await portOf(createServer().listen({ port: 0, host }))
    await expect(checkPorts([{ port, option: '--identity-port' }])).rejects.toThrow(/is in use.*--identity-port/)
  },
)

test.runIf(hasIpv6)('the launcher ends before it starts anything when a port is taken on [::1]', async () => {
  const data = join(temporaryFolder(), 'data')
  const taken = await portOf(createServer().listen({ port: 0, host: '::1' }))
  const [port, identityPort] = await freePorts(2)
  const ended = await launch(
    '--port',
    port ?? 0,
    '--broker-port',
    taken,
    '--identity-port',
    identityPort ?? 0,
    '--data',
    data,
  )
  expect(ended.code).toBe(2)
  expect(ended.words).toContain(`Port ${taken} is in use on [::1]`)
  expect(existsSync(data)).toBe(false)
})

test('a proxy of the environment never sees what the services say to each other', async () => {
  const seen: (string | undefined)[] = []
  const proxy = createHttpServer((request, response) => {
    seen.push(request.url)
    response.end('the proxy')
  })
  const proxyPort = await portOf(proxy.listen(0, '127.0.0.1'))
  const targetPort = await portOf(createHttpServer((_, response) => response.end('the service')).listen(0, '127.0.0.1'))
  const url = `http://127.0.0.1:${targetPort}/jwks`
  const script = `
    const viaHttp = new Promise((resolve) => require('node:http').get('${url}', (r) => r.on('data', (d) => resolve(String(d)))))
    const viaFetch = fetch('http://localhost:${targetPort}/jwks').then((r) => r.text())
    Promise.all([viaHttp, viaFetch]).then((texts) => console.log(texts.join()))`
  const env = { PATH: process.env.PATH, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: `http://127.0.0.1:${proxyPort}` }
  const without = await run(process.execPath, ['-e', script], { env })
  expect(without.stdout.trim()).toBe('the proxy,the proxy')
  seen.length = 0
  const result = await run(process.execPath, ['-e', script], {
    env: withoutLoopbackProxy({ ...env, NO_PROXY: 'a.example' }),
  })
  expect(result.stdout.trim()).toBe('the service,the service')
  expect(seen).toEqual([])
  expect(withoutLoopbackProxy({ NO_PROXY: 'a.example, b.example' }).no_proxy).toMatch(
    /^a\.example,b\.example,localhost,/,
  )
})

test.runIf(process.platform !== 'win32')('the line for curl can be pasted, whatever the folder is called', async () => {
  for (const name of ['plain', 'with blanks', "it's $HOME; `x`", 'ü&(']) {
    const options = parseOptions([], {})
    if (options === 'help') throw new Error('expected options')
    const line = banner(options, { root, data: `/tmp/${name}` })
      .split('\n')
      .find((text) => text.includes('Token for curl'))
    const command = line?.replace(/^\s*Token for curl\s+curl /, '')
    const { stdout } = await run('sh', ['-c', `printf '%s\\n' ${command}`])
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      '--cacert',
      `/tmp/${name}/gateway/ca.pem`,
      'https://localhost:9090/identity/token',
    ])
  }
})

test.each(['nonsense', 'host:99999', 'a:1,b'])(
  '--brokers %s is refused before anything is started',
  async (brokers) => {
    const data = join(temporaryFolder(), 'data')
    const [port, identityPort] = await freePorts(2)
    const ended = await launch(
      '--brokers',
      brokers,
      '--port',
      port ?? 0,
      '--identity-port',
      identityPort ?? 0,
      '--data',
      data,
    )
    expect(ended).toEqual({ code: 2, words: expect.stringMatching(/^The log can't be used: .*host:port.*\n$/) })
    expect(existsSync(data)).toBe(false)
  },
)

test('a log that does not answer is told before the issuer is started', async () => {
  const data = join(temporaryFolder(), 'data')
  const [port, identityPort, nothing] = await freePorts(3)
  const brokers = `127.0.0.1:${nothing}`
  const ended = await launch(
    '--brokers',
    brokers,
    '--port',
    port ?? 0,
    '--identity-port',
    identityPort ?? 0,
    '--data',
    data,
  )
  expect(ended).toEqual({
    code: 2,
    words: expect.stringContaining(`The log can't be used: reaching the log at ${brokers}`),
  })
  expect(existsSync(data)).toBe(false)
}, 120_000)

test.each([
  ['audit', [], 'INV-1'],
  ['dead-letters', ['list'], 'no dead letters'],
])(
  'npm run %s finds the log that was started with the data folder',
  async (name, args, expected) => {
    const data = temporaryFolder()
    const log = await openTestLog()
    onTestFinished(() => log.close())
    await log.createPlainTopics()
    makeFolder(join(data, 'run'))
    writeRunFile(data, { brokers: `127.0.0.1:${log.port}` })
    const main = join(root, 'apps', name, 'src/main.ts')
    const command = () =>
      run(process.execPath, [main, ...args], { env: { ...bareEnv, STREAMPAY_DATA: data } }).catch(
        (error: { stdout: string; stderr: string }) => error,
      )
    expect((await command()).stdout).toContain(expected)
    writeFileSync(join(data, 'run/started.json'), 'half a file')
    expect((await command()).stderr).toContain('remove it, or say --brokers')
  },
  120_000,
)
