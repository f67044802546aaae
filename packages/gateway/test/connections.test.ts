/**
 * What one address can hold open, and for how long, while another is served. Over HTTP/2 nothing had a time: half a header
 * block was open after 1,500 s, and 500 such connections took places that were everybody's.
 */
import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressKey, proxyCheck } from '../src/http/address.ts'
import { testGateway } from './support/definition.ts'
import {
  beginHttp2,
  fieldOf,
  frameOf,
  frameTypes,
  openRaw,
  type RawConnection,
  requestFields,
} from './support/raw-connection.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const times = { handshakeMs: 1_000, firstRequestMs: 1_500, requestMs: 2_000, idleMs: 1_000, stalledMs: 4_000 }
const limits = { ...times, replyTimeoutMs: 1_000, heartbeatMs: 500, connections: 700, connectionsOfAddress: 600 }
const elsewhere = '127.0.0.2'
const endHeaders = 4
const endStream = 1
let surroundings: Surroundings
let gateway: TestGateway
let port: number

beforeAll(async () => {
  surroundings = await openSurroundings(testGateway())
  gateway = await openTestGateway(testGateway(limits), surroundings)
  port = gateway.running.port
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

/** The status of `/health/live` asked from another address, on a connection of its own. */
function askFrom(localAddress: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/health/live', localAddress, rejectUnauthorized: false }
    const request = httpsRequest({ ...options, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
    request.on('error', reject).end()
  })
}

async function openHttp2(): Promise<RawConnection> {
  const connection = await openRaw({ port, protocol: 'h2' })
  beginHttp2(connection.socket)
  return connection
}

describe('a connection made again', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes its session over %s: a handshake is most of its cost',
    async (version) => {
      const options = { host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: version, maxVersion: version }
      const first = connectTls(options)
      const [session] = (await once(first, 'session')) as [Buffer]
      const second = connectTls({ ...options, session })
      await once(second, 'secureConnect')
      expect([first.isSessionReused(), second.isSessionReused()]).toEqual([false, true])
      first.destroy()
      second.destroy()
    },
  )
})

/** HEADERS that goes on in a CONTINUATION, which does not end. */
const openBlock = (stream: number) =>
  Buffer.concat([
    frameOf(frameTypes.headers, { stream, flags: endStream, payload: requestFields('GET', '/health/live', []) }),
    frameOf(frameTypes.continuation, { stream, payload: Buffer.alloc(8) }),
  ])

/** Sends again and again until the connection is gone, so that it is never without traffic. */
async function keepBusy({ socket, closed }: RawConnection, bytes: () => Buffer): Promise<void> {
  const timer = setInterval(() => void (socket.writable && socket.write(bytes())), 100)
  await closed
  clearInterval(timer)
}

describe('a connection', () => {
  it('of one address is closed at once beyond the bound, and half-open ones are gone in bounded time', async () => {
    const opening = Array.from({ length: 500 }, async () => {
      const connection = await openHttp2()
      connection.socket.write(openBlock(1))
      return connection
    })
    const opened = await Promise.all(opening)
    expect(opened).toHaveLength(500)
    expect(await askFrom(elsewhere)).toBe(200)
    await Promise.all(opened.map(({ closed }) => closed))
    expect(await askFrom('127.0.0.1')).toBe(200)
  }, 60_000)

  it('without TLS, or with half of it, is closed', async () => {
    const sockets: Socket[] = ['', '\x16\x03\x01'].map((bytes) => {
      const socket = connectTcp(port, '127.0.0.1').on('error', () => undefined)
      if (bytes !== '') socket.write(Buffer.from(bytes, 'latin1'))
      return socket.resume()
    })
    await Promise.all(sockets.map((socket) => once(socket, 'close')))
  }, 30_000)

  it.each(['h2', 'http/1.1'] as const)(
    'of %s without any request is closed',
    async (protocol) => {
      const { closed } = await openRaw({ port, protocol })
      await closed
    },
    30_000,
  )

  it('that sends a byte of a header block now and then is closed, over both protocols', async () => {
    const http2 = await openHttp2()
    http2.socket.write(openBlock(1))
    // Within one frame: Node itself ends a connection that sends many of this kind.
    const long = frameOf(frameTypes.continuation, { stream: 1, payload: fieldOf('x-padding', 'x'.repeat(10_000)) })
    let sent = 0
    const continuation = () => long.subarray(sent, ++sent)
    const http1 = await openRaw({ port })
    http1.socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\nx-padding: ')
    await Promise.all([keepBusy(http2, continuation), keepBusy(http1, () => Buffer.from('x'))])
    expect(http1.text()).toMatch(/^HTTP\/1\.1 408 /)
    expect(http1.text()).toContain('urn:test:problem:request-timeout')
  }, 30_000)

  it('that only sends PING is idle', async () => {
    const connection = await openHttp2()
    const fields = requestFields('GET', '/health/live', [])
    connection.socket.write(frameOf(frameTypes.headers, { stream: 1, flags: endHeaders | endStream, payload: fields }))
    await keepBusy(connection, () => frameOf(frameTypes.ping, { payload: Buffer.alloc(8) }))
    expect(connection.text().length).toBeGreaterThan(0)
  }, 30_000)

  it('that has been served and begins a header block that does not end is closed', async () => {
    const connection = await openHttp2()
    const fields = requestFields('GET', '/health/live', [])
    connection.socket.write(
      Buffer.concat([
        frameOf(frameTypes.headers, { stream: 1, flags: endHeaders | endStream, payload: fields }),
        openBlock(3),
      ]),
    )
    await connection.closed
  }, 30_000)

  it('whose client takes nothing of an answer is closed, though it sends PING', async () => {
    const connection = await openHttp2()
    const noWindow = Buffer.from([0, constants.NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0, 0, 0, 0])
    const fields = requestFields('GET', '/openapi.json', [])
    connection.socket.write(
      Buffer.concat([
        frameOf(frameTypes.settings, { payload: noWindow }),
        frameOf(frameTypes.headers, { stream: 1, flags: endHeaders | endStream, payload: fields }),
      ]),
    )
    await keepBusy(connection, () => frameOf(frameTypes.ping, { payload: Buffer.alloc(8) }))
    expect(connection.text()).not.toContain('"openapi"')
  }, 30_000)

  it('stays as long as a stream is open on it, and its body comes in time', async () => {
    const token = await surroundings.issuer.token('ada', 'read write')
    const stream = await gateway.http2.stream('/news', { token })
    await stream.caughtUp()
    const beats = Math.ceil((times.firstRequestMs + times.idleMs) / limits.heartbeatMs) * 2
    for (let beat = 0; beat < beats; beat++) await stream.nextHeartbeat()
    expect(stream.isEnded()).toBe(false)
    surroundings.replier.answering = () => ({ status: 200, body: {} })
    expect((await gateway.http2.call('/do', { token, body: { what: 'x' } })).status).toBe(200)
    stream.close()
  }, 30_000)
})

describe('a body', () => {
  it('of HTTP/2 that comes byte by byte is given up, and the connection continues', async () => {
    const token = await surroundings.issuer.token('ada', 'write')
    const client = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    const request = client.request({
      ':method': 'POST',
      ':path': '/do',
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': 'slow',
    })
    const timer = setInterval(() => void (request.writable && request.write(' ')), 100)
    request.on('error', () => undefined)
    await once(request, 'close')
    clearInterval(timer)
    const live = client.request({ ':path': '/health/live' })
    const [headers] = (await once(live, 'response')) as [Record<string, unknown>]
    expect(headers[':status']).toBe(200)
    client.destroy()
  }, 30_000)

  it('of HTTP/1.1 that comes byte by byte is 408', async () => {
    const token = await surroundings.issuer.token('ada', 'write')
    const connection = await openRaw({ port })
    connection.socket.write(
      `POST /do HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n` +
        'idempotency-key: slow\r\ncontent-length: 1000\r\n\r\n',
    )
    await keepBusy(connection, () => Buffer.from(' '))
    expect(connection.text()).toMatch(/^HTTP\/1\.1 408 /)
  }, 30_000)
})

it('takes no more connections of one address than may be, but those of a trusted proxy', async () => {
  const few = testGateway({ connectionsOfAddress: 2, connections: 4 })
  const strict = await openTestGateway(few, surroundings, { trustedProxies: ['127.0.0.9'] })
  const open = (from: string) => openRaw({ port: strict.running.port, from })
  const kept = [await open('127.0.0.1'), await open('127.0.0.1')]
  await expect(open('127.0.0.1')).rejects.toThrow()
  kept.push(await open(elsewhere))
  // A place is free again as soon as its connection has ended.
  kept[0]?.socket.destroy()
  await expect
    .poll(
      async () =>
        (await open('127.0.0.1').then(
          (one) => kept.push(one),
          () => 0,
        )) > 0,
    )
    .toBe(true)
  const [, ...others] = kept
  for (const { socket } of others) socket.destroy()
  // All of the bound of all, which is the proxy's, too.
  const proxied: RawConnection[] = []
  await expect
    .poll(async () => {
      await open('127.0.0.9').then(
        (one) => proxied.push(one),
        () => undefined,
      )
      return proxied.length
    })
    .toBe(4)
  await expect(open('127.0.0.9')).rejects.toThrow()
  expect(await strict.metrics()).toMatch(/gateway_connections_refused_total\{reason="address"\} [1-9]/)
  for (const { socket } of proxied) socket.destroy()
  await strict.close()
}, 30_000)

describe('an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    [undefined, ''],
  ])('%s is counted as %s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })

  it('is a proxy’s if it is in one of the networks', () => {
    const isProxy = proxyCheck(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'])
    const proxies = ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', '2001:db8:9::1']
    expect(proxies.map(isProxy)).toEqual([true, true, true, true])
    expect(['11.0.0.1', '192.0.2.8', '2001:db9::1', undefined, 'nonsense'].map(isProxy)).toEqual(Array(5).fill(false))
    for (const wrong of ['proxy', '10.0.0.0/33', '10.0.0.0/x', '::1/129', '/8', '']) {
      expect(() => proxyCheck([wrong])).toThrow(TypeError)
    }
  })
})
