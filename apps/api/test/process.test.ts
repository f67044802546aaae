/** The gateway as it is started: a process, configured by its environment. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { request } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestLog, type TestLog } from '../../../packages/gateway/test/support/test-log.ts'
import { bareEnv } from '../../../test/support/bare-env.ts'
import { settingsFrom, streampayGateway } from '../src/index.ts'
import { uiConfigOf } from '../src/settings.ts'

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
      ...bareEnv,
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

it('reports when it is ready, is trusted by clients that trust its authority, and stops in order', async () => {
  const started = start({ GATEWAY_PORT: '0', OIDC_ISSUER: 'https://localhost/identity' })
  const [message] = (await once(started.child, 'message')) as [{ type: string; detail: string }]
  expect(message.type).toBe('ready')
  const ca = await readFile(join(dataDir, 'ca.pem'), 'utf8')
  const ask = () =>
    new Promise((resolve, reject) => {
      // The host name is verified against the certificate, as a browser would.
      const sent = request(new URL('health/ready', message.detail), { ca }, (response) => resolve(response.statusCode))
      sent.on('error', reject)
      sent.end()
    })
  // It is ready without a service that answers commands; that the log has none is known a moment later.
  await expect.poll(ask, { timeout: 15_000 }).toBe(503)
  expect((await stat(join(dataDir, 'server-1/server.pem'))).mode & 0o077).toBe(0)
  started.child.kill('SIGTERM')
  expect(await exitOf(started)).toEqual({ code: 0, sentence: '' })
}, 30_000)

it('ends when its launcher is gone', async () => {
  const started = start({ GATEWAY_PORT: '0' })
  await once(started.child, 'message')
  started.child.disconnect()
  expect((await exitOf(started)).code).toBe(0)
}, 30_000)

// It handled that only once it had started, and it never starts while its log does not answer.
it('ends when its launcher is gone while it starts', async () => {
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const started = start({ GATEWAY_PORT: '0', KAFKA_BROKERS: `127.0.0.1:${port}` })
  const [socket] = (await once(silent, 'connection')) as [Socket]
  started.child.disconnect()
  expect((await exitOf(started)).code).toBe(0)
  socket.destroy()
  silent.close()
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
  ['METRICS_PORT', '-1', 'METRICS_PORT must be a port number, not "-1".'],
  [
    'GATEWAY_TRUSTED_PROXIES',
    '10.0.0.0/8, proxy',
    'GATEWAY_TRUSTED_PROXIES must be addresses or networks such as 10.0.0.0/8: "proxy" is not an address or a network.',
  ],
  [
    'GATEWAY_CORS_ORIGINS',
    'https://a.example, *',
    'GATEWAY_CORS_ORIGINS must be origins such as https://localhost:9090, separated by commas, not "*".',
  ],
  ['OIDC_OPERATOR', 'operator', 'OIDC_OPERATOR must be a claim and its value, such as roles=operator, not "operator".'],
  ['OIDC_ISSUER', 'nonsense', 'OIDC_ISSUER must be an http or https URL, not "nonsense".'],
  [
    'CONTROL_UPSTREAM',
    'http://127.0.0.1:1',
    'CONTROL_UPSTREAM is for the development issuer alone: it needs IDENTITY_UPSTREAM.',
  ],
  ['GATEWAY_TLS_KEY', 'key.pem', 'GATEWAY_TLS_KEY and GATEWAY_TLS_CERT must be set together.'],
])('refuses %s=%s', (name, value, sentence) => {
  expect(() => settingsFrom({ [name]: value })).toThrow(sentence)
})

it('lets only a claim that is named make an operator, but at the development issuer', () => {
  const elsewhere = { OIDC_ISSUER: 'https://a.example/' }
  const ruleOf = (env: Record<string, string>) => settingsFrom(env).rules.get('read:console')
  const asks = (env: Record<string, string>) =>
    (uiConfigOf(settingsFrom(env)).scopes as string[]).includes('read:console')
  expect(ruleOf({})).toEqual({ claim: 'scope', value: 'read:console' })
  expect(ruleOf({ ...elsewhere, IDENTITY_UPSTREAM: 'http://127.0.0.1:1' })).toEqual({
    claim: 'scope',
    value: 'read:console',
  })
  expect(ruleOf(elsewhere)).toBeNull()
  expect(ruleOf({ ...elsewhere, OIDC_OPERATOR: 'roles=ops' })).toEqual({ claim: 'roles', value: 'ops' })
  expect([asks({}), asks(elsewhere), asks({ ...elsewhere, OIDC_OPERATOR: 'roles=ops' })]).toEqual([true, false, false])
  expect(asks({ ...elsewhere, OIDC_OPERATOR: 'scope=read:console' })).toBe(true)
})

it('lets operators write by a claim of its own, which must be configured', () => {
  const ruleOf = (env: Record<string, string>) => settingsFrom(env).rules.get('write:console')
  const asks = (env: Record<string, string>) =>
    (uiConfigOf(settingsFrom(env)).scopes as string[]).includes('write:console')
  const elsewhere = { OIDC_ISSUER: 'https://issuer.example/', OIDC_OPERATOR: 'roles=ops' }
  expect(ruleOf({})).toEqual({ claim: 'scope', value: 'write:console' })
  expect(ruleOf(elsewhere)).toBeNull()
  expect(ruleOf({ ...elsewhere, OIDC_WRITER: 'roles=repair' })).toEqual({ claim: 'roles', value: 'repair' })
  expect([asks({}), asks(elsewhere), asks({ ...elsewhere, OIDC_WRITER: 'scope=write:console' })]).toEqual([
    true,
    false,
    true,
  ])
  expect(() => settingsFrom({ ...elsewhere, OIDC_WRITER: 'repair' })).toThrow(
    'OIDC_WRITER must be a claim and its value',
  )
})

it('requests the permission to control services only if there is a control interface', () => {
  const asks = (env: Record<string, string>) =>
    (uiConfigOf(settingsFrom(env)).scopes as string[]).includes('operate:services')
  const development = { IDENTITY_UPSTREAM: 'http://127.0.0.1:1' }
  expect(asks({ ...development, CONTROL_UPSTREAM: 'http://127.0.0.1:2' })).toBe(true)
  for (const env of [{}, development, { OIDC_ISSUER: 'https://a.example/', OIDC_OPERATOR: 'scope=operate:services' }])
    expect(asks(env)).toBe(false)
})

it('takes the names of claims from its settings', () => {
  const named = { OIDC_SUBJECT_CLAIM: 'oid', OIDC_SCOPE_CLAIMS: 'roles, realm_access.roles' }
  expect(settingsFrom(named).claims).toEqual({ subject: 'oid', scopes: ['roles', 'realm_access.roles'] })
  expect(settingsFrom({}).claims).toEqual({ subject: 'sub', scopes: ['scope', 'scp', 'permissions'] })
})

it('is reached at a configured origin, or at its port of this machine', () => {
  const originOf = (GATEWAY_PUBLIC_ORIGIN: string) => settingsFrom({ GATEWAY_PUBLIC_ORIGIN }).publicOrigin
  expect(settingsFrom({ GATEWAY_PORT: '9093' }).publicOrigin).toBe('https://localhost:9093')
  expect(originOf('https://pay.example.com')).toBe('https://pay.example.com')
  expect(originOf('https://pay.example.com/')).toBe('https://pay.example.com')
  for (const text of ['pay.example.com', 'https://pay.example.com/wallet', 'ftp://pay.example.com'])
    expect(() => originOf(text)).toThrow('GATEWAY_PUBLIC_ORIGIN must be')
})
