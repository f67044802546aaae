/** HTTP without TLS on the gateway's port: a way to https, and nothing else. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

let surroundings: Surroundings
let opened: TestGateway
let port: number

beforeAll(async () => {
  const gateway = testGateway()
  surroundings = await openSurroundings(gateway)
  opened = await openTestGateway(gateway, surroundings)
  port = opened.running.port
})

afterAll(async () => {
  await opened.close()
  await surroundings.close()
})

function open(): Socket {
  const socket = connect(port, '127.0.0.1')
  // An answer may come before all was sent, and end the connection.
  socket.on('error', () => undefined)
  onTestFinished(() => {
    socket.destroy()
  })
  return socket
}

/** Sends pieces, one after the other, and returns the whole answer. */
async function answerTo(...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = open()
  socket.setNoDelay(true)
  let answer = ''
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1')
  })
  const closed = once(socket, 'close')
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve))
  await closed
  return answer
}

const host = () => `localhost:${port}`

it.each(['GET', 'HEAD', 'POST', 'PUT'])('sends %s on to the same address under https', async (method) => {
  const answer = await answerTo(`${method} /path?a=1&b=%20 HTTP/1.1\r\nHost: ${host()}\r\nAccept: */*\r\n\r\n`)
  expect(answer).toBe(
    `HTTP/1.1 308 Permanent Redirect\r\nlocation: https://${host()}/path?a=1&b=%20\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
  )
})

it('leads to a page that is there: fetch follows it to an answer under TLS', async () => {
  const redirected = await fetch(`http://localhost:${port}/health/live`, { redirect: 'manual' })
  expect([redirected.status, redirected.headers.get('location')]).toEqual([
    308,
    `https://localhost:${port}/health/live`,
  ])
  expect((await opened.http1.call('/health/live')).status).toBe(200)
  expect((await opened.http2.call('/health/live')).status).toBe(200)
})

it('takes a request that comes byte by byte', async () => {
  const bytes = [...`GET / HTTP/1.1\r\nhost: [::1]:${port}\r\n\r\n`]
  expect(await answerTo(...bytes)).toContain(`\r\nlocation: https://[::1]:${port}/\r\n`)
})

it.each([
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['a host with a path', 'GET / HTTP/1.1\r\nHost: evil.example/x\r\n\r\n'],
  ['a host with a user', 'GET / HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n'],
  ['an address that is a URL', 'GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a header in the address', 'GET /\x0bx HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['another version', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
])('answers 400 to %s', async (_name, text) => {
  expect(await answerTo(text)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\ncontent-length: 0\r\n/)
})

it('reads 8 KiB of headers at most', async () => {
  const answer = await answerTo(`GET / HTTP/1.1\r\nHost: ${host()}\r\nx: ${'x'.repeat(20_000)}`)
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
})

it('waits for the rest of the headers for a bounded time, and serves others meanwhile', async () => {
  const slow = answerTo(`GET / HTTP/1.1\r\nHost: ${host()}\r\n`)
  expect((await opened.http1.call('/health/live')).status).toBe(200)
  expect(await answerTo(`GET / HTTP/1.1\r\nHost: ${host()}\r\n\r\n`)).toContain('308')
  expect(await slow).toMatch(/^HTTP\/1\.1 408 /)
}, 20_000)

it('lets what is neither TLS nor HTTP fail as before, and outlives it', async () => {
  expect(await answerTo(Buffer.from([0, 1, 2, 3, 255]))).not.toContain('HTTP/1.1 2')
  const gone = open()
  await once(gone, 'connect')
  gone.resetAndDestroy()
  expect((await opened.http2.call('/health/live')).status).toBe(200)
})
