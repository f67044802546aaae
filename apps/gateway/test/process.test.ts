/** The gateway as it is started: a process, configured by its environment. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestLog, type TestLog } from '../../../packages/gateway/test/support/test-log.ts'
import { developmentCertificate, settingsFrom, streampayGateway } from '../src/index.ts'

const main = new URL('../src/main.ts', import.meta.url).pathname
let log: TestLog
let dataDir: string

beforeAll(async () => {
  log = await openTestLog(streampayGateway().topics)
  dataDir = await mkdtemp(join(tmpdir(), 'gateway-data-'))
})
afterAll(async () => {
  await log.close()
  await rm(dataDir, { recursive: true })
})

function start(env: Record<string, string>): { child: ChildProcess; errors: () => string } {
  const child = fork(main, [], {
    env: {
      PATH: process.env.PATH ?? '',
      KAFKA_BROKERS: log.address,
      GATEWAY_DATA_DIR: dataDir,
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  return { child, errors: () => errors }
}

async function exitOf({ child, errors }: ReturnType<typeof start>): Promise<{ code: unknown; sentence: string }> {
  const [code] = await once(child, 'exit')
  return { code, sentence: errors().trim() }
}

it('tells when it is ready, is trusted by whoever trusts its authority, and stops in order', async () => {
  const started = start({ GATEWAY_PORT: '0', OIDC_ISSUER: 'https://localhost/identity' })
  const [message] = (await once(started.child, 'message')) as [{ type: string; detail: string }]
  expect(message.type).toBe('ready')
  const ca = await readFile(join(dataDir, 'ca.pem'), 'utf8')
  const status = await new Promise((resolve, reject) => {
    // The host name is verified against the certificate, as a browser would.
    const sent = request(new URL('health/ready', message.detail), { ca }, (response) => resolve(response.statusCode))
    sent.on('error', reject)
    sent.end()
  })
  expect(status).toBe(200)
  expect((await stat(join(dataDir, 'server-1.pem'))).mode & 0o077).toBe(0)
  started.child.kill('SIGTERM')
  expect(await exitOf(started)).toEqual({ code: 0, sentence: '' })
}, 30_000)

it('ends when its launcher is gone', async () => {
  const started = start({ GATEWAY_PORT: '0' })
  await once(started.child, 'message')
  started.child.disconnect()
  expect((await exitOf(started)).code).toBe(0)
}, 30_000)

it('says in one sentence that its port is in use', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const { code, sentence } = await exitOf(start({ GATEWAY_PORT: String(port) }))
  expect([code, sentence]).toEqual([1, `Port ${port} is in use: stop what uses it, or set GATEWAY_PORT.`])
  other.close()
}, 30_000)

it.each([
  ['GATEWAY_PORT', '99999', 'GATEWAY_PORT must be a port number, not "99999".'],
  ['OIDC_ISSUER', 'nonsense', 'OIDC_ISSUER must be a URL, not "nonsense".'],
  ['GATEWAY_TLS_KEY', 'key.pem', 'GATEWAY_TLS_KEY and GATEWAY_TLS_CERT must be set together.'],
])('refuses %s=%s', (name, value, sentence) => {
  expect(() => settingsFrom({ [name]: value })).toThrow(sentence)
})

it('keeps its certificate, and makes a new one before it expires', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-certificate-'))
  const now = Date.now()
  const first = await developmentCertificate(folder, now)
  expect(await developmentCertificate(folder, now + 1_000)).toEqual(first)
  expect(await developmentCertificate(folder, now + 800 * 86_400_000)).not.toEqual(first)
  await rm(folder, { recursive: true })
})

it('has one certificate for all gateways that start at the same moment, at first and when it is made anew', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-certificate-'))
  const now = Date.now()
  const certificates = async (at: number) => {
    const made = await Promise.all([1, 2, 3, 4, 5].map(() => developmentCertificate(folder, at)))
    const [first] = made
    expect(made).toEqual(Array(5).fill(first))
    expect(first?.cert.endsWith(await readFile(join(folder, 'ca.pem'), 'utf8'))).toBe(true)
    return first
  }
  const first = await certificates(now)
  expect(await certificates(now + 800 * 86_400_000)).not.toEqual(first)
  expect((await readdir(folder)).sort()).toEqual(['ca.pem', 'server-1.pem', 'server-2.pem'])
  await rm(folder, { recursive: true })
})
