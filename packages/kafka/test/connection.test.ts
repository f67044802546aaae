/** How a connection reacts to any bytes from the other end. The servers are in this file; real brokers are in other tests. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import type { ClientOptions } from '../src/client.ts'
import { systemClock } from '../src/clock.ts'
import { BrokerConnection } from '../src/connection/broker-connection.ts'
import { type Connection, type ConnectionOptions, openConnection } from '../src/connection/connection.ts'
import {
  apiByKey,
  apis,
  decodeRequestHeader,
  encodeResponseHeader,
  errors,
  FrameSplitter,
  type ResponseInputOf,
} from '../src/wire/index.ts'

type Asked = { readonly key: number; readonly version: number; readonly correlationId: number; readonly body: Buffer }
type Server = {
  readonly address: { readonly host: string; readonly port: number }
  /** In the order of their coming. */
  readonly asked: Asked[]
  readonly sockets: Socket[]
}

/** Answers what `respond` gives for each request; nothing for undefined. */
async function serve(respond: (asked: Asked, socket: Socket) => Buffer | undefined): Promise<Server> {
  const asked: Asked[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    const frames = new FrameSplitter()
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      frames.push(chunk as Buffer)
      for (let frame = frames.next(1e6); frame !== null; frame = frames.next(1e6)) {
        const { header, bodyOffset } = decodeRequestHeader(frame)
        const request = { key: header.apiKey, version: header.apiVersion, ...header, body: frame.subarray(bodyOffset) }
        asked.push(request)
        const response = respond(request, socket)
        if (response !== undefined) socket.write(response)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, asked, sockets }
}

function framed({ key, version, correlationId }: Asked, body: Buffer): Buffer {
  const header = encodeResponseHeader({ correlationId }, apiByKey(key)?.responseHeaderVersion(version) ?? 0)
  const length = Buffer.alloc(4)
  length.writeInt32BE(header.length + body.length)
  return Buffer.concat([length, header, body])
}

const spoken = [apis.apiVersions, apis.metadata, apis.saslHandshake, apis.saslAuthenticate, apis.heartbeat]

function versionsAnswer(asked: Asked): Buffer {
  const apiKeys = spoken.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
  const body = { errorCode: 0, apiKeys, throttleTimeMs: 0, supportedFeatures: [], finalizedFeatures: [] }
  return framed(asked, apis.apiVersions.encodeResponse(asked.version, body as ResponseInputOf<typeof apis.apiVersions>))
}

/** Requests that a test does not set up itself: versions. */
function afterVersions(respond: (asked: Asked, socket: Socket) => Buffer | undefined) {
  return serve((asked, socket) => (asked.key === apis.apiVersions.key ? versionsAnswer(asked) : respond(asked, socket)))
}

async function opened(server: Server, options: Partial<ConnectionOptions> = {}): Promise<Connection> {
  const connection = await openConnection({
    address: server.address,
    client: { clientId: 'me' },
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
    clock: systemClock,
    onLost: () => undefined,
    ...options,
  })
  onTestFinished(() => connection.close())
  return connection
}

const beat = (connection: Connection, body: Buffer = Buffer.alloc(0)) => connection.exchange(apis.heartbeat, 0, body)

it('gives each request its response, with the bytes divided in any way', async () => {
  const server = await afterVersions((asked, socket) => {
    const response = framed(asked, asked.body)
    if (asked.body.length < 100) for (const byte of response) socket.write(Buffer.of(byte))
    return asked.body.length < 100 ? undefined : response
  })
  const connection = await opened(server)
  const bodies = Array.from({ length: 200 }, (_, n) => Buffer.alloc(n % 7 === 0 ? 20_000 : n % 90, n))
  expect(await Promise.all(bodies.map((body) => beat(connection, body)))).toEqual(bodies)
  // One after the other, too.
  for (const body of bodies.slice(0, 3)) expect(await beat(connection, body)).toEqual(body)
})

it('asks in a version that an older broker knows, when that says which', async () => {
  const server = await serve((asked) => {
    if (asked.version > 1) {
      const body = Buffer.alloc(6 + 6)
      body.writeInt16BE(errors.UNSUPPORTED_VERSION)
      body.writeInt32BE(1, 2)
      body.writeInt16BE(apis.apiVersions.key, 6)
      body.writeInt16BE(1, 10)
      return framed({ ...asked, version: 0 }, body)
    }
    return versionsAnswer(asked)
  })
  const connection = await opened(server)
  expect(connection.versions.get(apis.heartbeat.key)).toEqual({ min: 0, max: apis.heartbeat.maxVersion })
  expect(server.asked.map(({ version }) => version)).toEqual([3, 1])
})

it('gives up all that wait when one response is overdue, and says so once', async () => {
  const server = await afterVersions(() => undefined)
  let lost = 0
  const connection = await opened(server, { requestTimeoutMs: 100, onLost: () => lost++ })
  const results = await Promise.allSettled([beat(connection), beat(connection)])
  expect(results.map((result) => result.status === 'rejected' && String(result.reason))).toEqual([
    'ConnectionError: no response within 100 ms',
    'ConnectionError: no response within 100 ms',
  ])
  expect([connection.isOpen, lost]).toEqual([false, 1])
  await expect(beat(connection)).rejects.toThrow('the connection is gone')
})

it('does not count the time of a request from the one before it', async () => {
  const server = await afterVersions((asked, socket) => {
    setTimeout(() => socket.write(framed(asked, asked.body)), 60)
    return undefined
  })
  const connection = await opened(server, { requestTimeoutMs: 100 })
  for (let n = 0; n < 4; n++) await beat(connection)
  expect(connection.isOpen).toBe(true)
})

it('rejects what waits when the connection is lost', async () => {
  const server = await afterVersions((_asked, socket) => {
    socket.destroy()
    return undefined
  })
  let lost = 0
  const connection = await opened(server, { onLost: () => lost++ })
  await expect(beat(connection)).rejects.toThrow()
  expect(lost).toBe(1)
})

it.each([
  ['a response to another request', (asked: Asked) => framed({ ...asked, correlationId: 77 }, asked.body), 'is of 77'],
  [
    'a response without a request',
    (asked: Asked) => Buffer.concat([framed(asked, asked.body), framed(asked, asked.body)]),
    undefined,
  ],
  ['another protocol', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'a frame of 1213486160 bytes'],
])('accepts nothing more after %s', async (_what, respond, words) => {
  const server = await afterVersions(respond)
  const lost = Promise.withResolvers<void>()
  const connection = await opened(server, { onLost: lost.resolve })
  const answer = beat(connection, Buffer.from('abc'))
  if (words === undefined) expect(String(await answer)).toBe('abc')
  else await expect(answer).rejects.toThrow(words)
  await lost.promise
  expect(connection.isOpen).toBe(false)
})

it('does not wait longer than it may for a broker that accepts and does not answer', async () => {
  const server = await serve(() => undefined)
  await expect(opened(server, { connectTimeoutMs: 100 })).rejects.toThrow('not connected within 100 ms')
})

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
