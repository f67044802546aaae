/** How a client logs in by SCRAM at a broker that proves the password, and at those that do not. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import type { ClientOptions } from '../src/client.ts'
import { systemClock } from '../src/clock.ts'
import { BrokerConnection } from '../src/connection/broker-connection.ts'
import { apis, errors } from '../src/wire/index.ts'
import { afterVersions, framed, opened, type Server } from './support/answering-server.ts'

const password = 'pencil, 100 %'
const sasl = { mechanism: 'SCRAM-SHA-256', username: 'a=b,c', password } as const

type Scram = {
  readonly iterations?: number
  readonly nonceOf?: (client: string) => string
  readonly serverPassword?: string
  readonly lifetimeMs?: number
  readonly mechanisms?: readonly string[]
}

/** A broker that knows one user. */
function scramBroker({
  iterations = 4096,
  nonceOf = (nonce) => `${nonce}more`,
  serverPassword = password,
  lifetimeMs = 0,
  mechanisms = ['SCRAM-SHA-256'],
}: Scram): Promise<Server> {
  const salt = Buffer.from('salt')
  const salted = pbkdf2Sync(serverPassword, salt, 4096, 32, 'sha256')
  const sign = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  let said = ''
  return afterVersions((asked) => {
    if (asked.key === apis.heartbeat.key) return framed(asked, asked.body)
    if (asked.key === apis.saslHandshake.key) {
      const { mechanism } = apis.saslHandshake.decodeRequest(asked.version, asked.body)
      const errorCode = mechanisms.includes(mechanism) ? errors.NONE : errors.UNSUPPORTED_SASL_MECHANISM
      return framed(asked, apis.saslHandshake.encodeResponse(asked.version, { errorCode, mechanisms: [...mechanisms] }))
    }
    const text = apis.saslAuthenticate.decodeRequest(asked.version, asked.body).authBytes.toString()
    const answer = (token: string, errorCode: number = errors.NONE) => {
      const body = { errorCode, errorMessage: null, authBytes: Buffer.from(token), sessionLifetimeMs: lifetimeMs }
      return framed(asked, apis.saslAuthenticate.encodeResponse(asked.version, body))
    }
    if (text.startsWith('n,,')) {
      const nonce = /r=(.*)$/.exec(text)?.[1] ?? ''
      const first = `r=${nonceOf(nonce)},s=${salt.toString('base64')},i=${iterations}`
      said = `${text.slice(3)},${first}`
      return answer(first)
    }
    const [unproved = '', proof = ''] = text.split(',p=')
    const whole = `${said},${unproved}`
    const clientKey = sign(salted, 'Client Key')
    const stored = createHash('sha256').update(clientKey).digest()
    const expected = Buffer.from(clientKey.map((byte, n) => byte ^ (sign(stored, whole)[n] ?? 0)))
    if (serverPassword === password && proof !== expected.toString('base64')) return answer('e=invalid-proof')
    return answer(`v=${sign(sign(salted, 'Server Key'), whole).toString('base64')}`)
  })
}

const withLogin = { client: { clientId: 'me', sasl } satisfies ClientOptions | object }

it('logs in with a name that SCRAM has to escape, and proves the password to a broker that proves it, too', async () => {
  const server = await scramBroker({})
  const connection = await opened(server, withLogin)
  expect(connection.isOpen).toBe(true)
  const first = server.asked.find(({ key }) => key === apis.saslAuthenticate.key)
  expect(String(first?.body)).toContain('n=a=3Db=2Cc,')
})

it.each([
  ['knows another password', { serverPassword: 'other' }, 'does not prove that it knows the password'],
  ['wants passwords to be guessed', { iterations: 1 }, 'asks for 1 iterations'],
  ['wants endless work', { iterations: 1e9 }, 'asks for 1000000000 iterations'],
  ['replays another nonce', { nonceOf: () => 'old' }, 'does not extend the nonce of the client'],
  ['adds no nonce', { nonceOf: (nonce: string) => nonce }, 'does not extend the nonce of the client'],
  ['has no such mechanism', { mechanisms: ['GSSAPI'] }, 'does not accept SCRAM-SHA-256, but GSSAPI'],
])('does not log in to a broker that %s', async (_what, scram, words) => {
  const server = await scramBroker(scram)
  await expect(opened(server, withLogin)).rejects.toMatchObject({
    name: 'AuthenticationError',
    message: expect.stringContaining(words) as string,
  })
})

it('makes a new connection before the session of the old one ends, once what is under way is answered', async () => {
  const server = await scramBroker({ lifetimeMs: 250 })
  const link = new BrokerConnection({
    address: server.address,
    client: { brokers: [], ...withLogin.client },
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
    clock: systemClock,
    onFeatures: () => undefined,
  })
  onTestFinished(() => link.close())
  const body = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
  const ask = () => link.request(apis.heartbeat, body, 0).catch((error: unknown) => (error as Error).name)
  for (const until = performance.now() + 600; performance.now() < until; ) await Promise.all([ask(), ask()])
  expect(server.sockets.length).toBeGreaterThan(1)
  expect(server.sockets.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(2)
})
