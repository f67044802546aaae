import { createServer } from 'node:net'
import { UsageError } from './options.ts'

export type PortUse = { readonly port: number; readonly option: string }

/**
 * Looks whether the ports are free before anything is started. Somebody may still take one in between; then the service
 * itself says so.
 * @throws {UsageError} for the first that isn't
 */
export async function checkPorts(uses: readonly PortUse[]): Promise<void> {
  for (const { port, option } of uses) {
    const code = await tryPort(port)
    if (code === 'EADDRINUSE') {
      throw new UsageError(`Port ${port} is in use: stop what uses it, or choose another with ${option}.`)
    }
    if (code === 'EACCES')
      throw new UsageError(`Port ${port} is not allowed to be used: choose another with ${option}.`)
  }
}

/** @returns the error's code, or undefined if the port is free on loopback */
function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)))
  })
}
