import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Only these, because the system gives higher ones (from 32768 on Linux, from 49152 elsewhere) to connections of any process. Such a port
 * could be taken between the moment when it is found free and the moment when a test listens on it.
 */
const lowest = 20_000
const highest = 32_000

/** Loopback ports that nothing listens on, at random and all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  while (servers.length < count) {
    const server = await listening(randomInt(lowest, highest))
    if (server !== undefined) servers.push(server)
  }
  return await closed(servers)
}

/** The first of this many consecutive free ports, none of which is among the others. */
export async function freeRun(count: number, others: readonly (number | undefined)[]): Promise<number> {
  for (;;) {
    const first = randomInt(lowest, highest - count)
    const wanted = Array.from({ length: count }, (_, index) => first + index)
    if (wanted.some((port) => others.includes(port))) continue
    const servers = (await Promise.all(wanted.map(listening))).filter((server) => server !== undefined)
    await closed(servers)
    if (servers.length === count) return first
  }
}

/** @returns undefined if the port is taken */
async function listening(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
    throw error
  }
}

/** Closes them. @returns their ports */
async function closed(servers: readonly Server[]): Promise<number[]> {
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has an address')
    return address.port
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
