import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { UsageError } from './option-values.ts'

export type PortUse = { readonly port: number; readonly option: string }

/** The addresses of `localhost` for browsers and clients; services listen on the second, and clients try the first one first. */
const loopbackHosts = ['::1', '127.0.0.1'] as const
const connectTimeoutMs = 1_000

/**
 * Checks whether the ports are free before anything is started, on both addresses of `localhost`: a program that listens on `[::1]` alone
 * would be reached instead of ours. Another program may still take a port in between; then the service itself reports it.
 * @throws {UsageError} for the first one that is not free
 */
export async function checkPorts(uses: readonly PortUse[]): Promise<void> {
  for (const { port, option } of uses) {
    for (const host of loopbackHosts) {
      const where = host === '::1' ? ` on [::1], where browsers look for localhost first` : ''
      const code = (await answers(port, host)) ? 'EADDRINUSE' : await tryPort(port, host)
      if (code === 'EADDRINUSE') {
        throw new UsageError(`Port ${port} is in use${where}: stop what uses it, or choose another with ${option}.`)
      }
      if (code === 'EACCES')
        throw new UsageError(`Port ${port} is not allowed to be used: choose another with ${option}.`)
    }
  }
}

/** If a program listens on all addresses, some systems still let another one listen on one of them. */
async function answers(port: number, host: string): Promise<boolean> {
  const socket = connect({ port, host })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectTimeoutMs) })
    return true
  } catch {
    // Refused, no such address here, or no answer: then binding decides.
    return false
  } finally {
    socket.destroy()
  }
}

/** @returns the error's code, or undefined if the port is free at this address */
function tryPort(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    server.listen({ port, host, ipv6Only: host === '::1' }, () => server.close(() => resolve(undefined)))
  })
}
