import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Asks the system for loopback ports, all at once so that they differ; or for those that are wanted. Another process may take
 * one before it is used: rare. @throws EADDRINUSE if one of those wanted is taken
 */
export async function freePorts(count: number, wanted: readonly number[] = []): Promise<number[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: count }, async (_, index) => {
      const server = createServer().listen(wanted[index] ?? 0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const servers = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has an address')
    return address.port
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  for (const result of opened) if (result.status === 'rejected') throw result.reason
  return ports
}

/** The first of so many free ports in a row, none of which is among the others. */
export async function freeRun(count: number, others: readonly (number | undefined)[]): Promise<number> {
  for (;;) {
    const [first = 0] = await freePorts(1)
    const wanted = Array.from({ length: count }, (_, index) => first + index)
    if (wanted.some((port) => others.includes(port) || port > 65_535)) continue
    const found = await freePorts(count, wanted).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
      throw error
    })
    if (found !== undefined) return first
  }
}
