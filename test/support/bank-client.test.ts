/** The client against a server that closes kept connections at the worst moment. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { selfSigned } from '../../apps/ui/test/support/self-signed.ts'
import { BankClient } from './bank-client.ts'

let server: Server
let bank: BankClient
/** How many requests of a connection are answered; the next one closes it. */
let answeredOfOne = 1
let connections: Socket[] = []

beforeEach(async () => {
  answeredOfOne = 1
  connections = []
  const certificate = selfSigned()
  const counts = new Map<Socket, number>()
  server = createServer(certificate, ({ socket }, response) => {
    const count = (counts.get(socket) ?? 0) + 1
    counts.set(socket, count)
    if (count === 1) connections.push(socket)
    if (count > answeredOfOne) socket.destroy()
    else response.end(`answer ${count} of connection ${connections.length}`)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`
  bank = new BankClient({ origins: [origin], ca: Buffer.from(certificate.cert) })
})

afterEach(() => {
  bank.close()
  server.closeAllConnections()
  server.close()
})

describe('a kept connection that is closed as a request goes out', () => {
  it('is replaced once for a GET', async () => {
    await bank.call({ method: 'GET', path: '/' })
    expect(await bank.call({ method: 'GET', path: '/' })).toMatchObject({ body: 'answer 1 of connection 2' })
    expect(connections).toHaveLength(2)
  })

  it('leaves the outcome of a command unknown', async () => {
    await bank.call({ method: 'POST', path: '/' })
    await expect(bank.call({ method: 'POST', path: '/' })).rejects.toThrow('socket hang up')
    expect(connections).toHaveLength(1)
  })
})

it('does not repeat a GET whose connection is closed if it is a new one', async () => {
  answeredOfOne = 0
  await expect(bank.call({ method: 'GET', path: '/' })).rejects.toThrow('socket hang up')
  expect(connections).toHaveLength(1)
})
