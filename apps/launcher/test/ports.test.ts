import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { checkPorts } from '../src/ports.ts'

test('names a port in use and the option that chooses another; a free one passes', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const check = () => checkPorts([{ port, option: '--broker-port' }])
  await expect(check()).rejects.toThrow(
    `Port ${port} is in use: stop what uses it, or choose another with --broker-port.`,
  )
  server.close()
  await once(server, 'close')
  await expect(check()).resolves.toBeUndefined()
})
