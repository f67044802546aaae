/** How a connection reacts to any bytes from the other end. The server is that of the test; real brokers are in other tests. */
import { expect, it } from 'vitest'
import type { Connection } from '../src/connection/connection.ts'
import { apis, errors } from '../src/wire/index.ts'
import { type Asked, afterVersions, framed, opened, serve, versionsAnswer } from './support/answering-server.ts'

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
    setTimeout(() => socket.write(framed(asked, asked.body)), 200)
    return undefined
  })
  // Each answer comes in a third of the time of its request, and all of them in more than that of one.
  const connection = await opened(server, { requestTimeoutMs: 600 })
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
