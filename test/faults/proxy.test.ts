/** The proxy over real sockets, before an echo server. The tests assert what happened, and not how long it took. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FaultProxy, openProxy } from './proxy.ts'

let server: Server
let served: Socket[]
let proxy: FaultProxy
let clients: Socket[]

beforeEach(async () => {
  served = []
  clients = []
  server = createServer({ allowHalfOpen: true }, (socket) => {
    served.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await openProxy(portOf(server))
})

afterEach(async () => {
  for (const socket of [...clients, ...served]) socket.destroy()
  await proxy.close()
  server.close()
})

function portOf(listening: Server): number {
  const address = listening.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}

type Client = { readonly socket: Socket; readonly heard: () => string; readonly ended: Promise<string> }

/** `ended` says how the connection ended: `end` for a FIN, or the error's code. */
async function client(): Promise<Client> {
  const socket = connect(proxy.port, '127.0.0.1')
  clients.push(socket)
  let heard = ''
  socket.on('data', (chunk) => {
    heard += chunk.toString()
  })
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('end'))
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
  })
  await once(socket, 'connect')
  return { socket, heard: () => heard, ended }
}

async function echoes({ socket, heard }: Client, text: string): Promise<void> {
  const before = heard()
  socket.write(text)
  while (heard() !== before + text) await once(socket, 'data')
}

describe('the proxy', () => {
  it('carries bytes both ways, and passes on that one side has ended', async () => {
    const one = await client()
    await echoes(one, 'hello')
    await echoes(one, 'x'.repeat(3_000_000))
    one.socket.end()
    expect(await one.ended).toBe('end')
  })

  it('ends the chosen connections with a FIN', async () => {
    const [one, other] = [await client(), await client()]
    await echoes(one, 'a')
    await echoes(other, 'b')
    let asked = 0
    expect(proxy.cut(() => asked++ === 0)).toBe(1)
    expect(await one.ended).toBe('end')
    await echoes(other, 'still there')
    expect(proxy.connections).toBe(1)
  })

  it('resets, which its client sees as an error', async () => {
    const one = await client()
    await echoes(one, 'a')
    const [atBroker] = served
    const brokerHears = new Promise((resolve) => atBroker!.once('error', resolve))
    expect(proxy.reset()).toBe(1)
    expect(await one.ended).toBe('ECONNRESET')
    expect(await brokerHears).toMatchObject({ code: 'ECONNRESET' })
    expect(proxy.connections).toBe(0)
  })

  it('delays what is sent, keeps its order also when the delay ends, and loses nothing', async () => {
    const one = await client()
    await echoes(one, 'a')
    proxy.delay(200)
    const startedAt = performance.now()
    one.socket.write('1')
    one.socket.write('2')
    await once(one.socket, 'data')
    // A timer never fires early, so this is a lower bound only.
    expect(performance.now() - startedAt).toBeGreaterThan(390)
    for (const text of ['3', '4', '5']) {
      one.socket.write(text)
      await new Promise(setImmediate)
    }
    proxy.delay(0)
    one.socket.write('6')
    while (one.heard().length < 7) await once(one.socket, 'data')
    expect(one.heard()).toBe('a123456')
  })

  it.each([
    ['requests', ['toBroker']],
    ['responses', ['toClient']],
    ['both', ['toBroker', 'toClient']],
  ] as const)(
    'swallows %s while the connection stays open, and leaves new connections alone',
    async (_, directions) => {
      const one = await client()
      await echoes(one, 'a')
      expect(proxy.swallow(directions)).toBe(1)
      one.socket.write('lost')
      const atBroker = served[0]!
      const other = await client()
      await echoes(other, 'b')
      // Bytes in the other direction still pass the proxy.
      atBroker.write('!')
      if (!(directions as readonly string[]).includes('toClient')) {
        while (one.heard() !== 'a!') await once(one.socket, 'data')
      }
      await echoes(other, 'c')
      expect(one.heard()).toBe((directions as readonly string[]).includes('toClient') ? 'a' : 'a!')
      expect(one.socket.destroyed).toBe(false)
      expect(atBroker.destroyed).toBe(false)
      expect(proxy.resetSwallowing()).toBe(1)
      expect(await one.ended).toBe('ECONNRESET')
      await echoes(other, 'd')
    },
  )

  it('does not tell either side that the other has closed while it swallows', async () => {
    const one = await client()
    await echoes(one, 'a')
    proxy.swallow(['toBroker', 'toClient'])
    served[0]!.destroy()
    await once(served[0]!, 'close')
    const other = await client()
    await echoes(other, 'b')
    expect(one.socket.readyState).toBe('open')
  })

  it('refuses new connections while existing ones continue, and accepts again on its port', async () => {
    const one = await client()
    await echoes(one, 'a')
    const { port } = proxy
    await proxy.refuse()
    await expect(client()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await echoes(one, 'b')
    await proxy.accept()
    expect(proxy.port).toBe(port)
    await echoes(await client(), 'c')
  })

  it('resets a client whose broker is not there', async () => {
    server.close()
    for (const socket of served) socket.destroy()
    const one = await client()
    expect(await one.ended).toBe('ECONNRESET')
  })
})
