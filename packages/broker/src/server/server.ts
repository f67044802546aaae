/** The TCP server: accepts connections up to a limit and closes them all at the end. */
import { createServer, type Socket } from 'node:net'
import type { AnyHandler, BrokerContext } from '../apis/api.ts'
import type { Logger } from '../logger.ts'
import { serveConnection } from './connection.ts'
import { openDispatcher } from './dispatch.ts'
import { openScramStore } from './sasl.ts'

export type Listener = {
  readonly port: number
  /** Begins to serve. Until then connections are accepted and wait. */
  serve(broker: BrokerContext, handlers: readonly AnyHandler[]): void
  /** Destroys all connections and frees the port. */
  close(): Promise<void>
}

/**
 * Takes the port first and serves later: a port in use is found before any work is done, and the port that was given
 * for 0 is known when the broker's address is made.
 * @throws the listener's error, with code EADDRINUSE if the port is taken
 */
export async function listen(address: { host: string; port: number }, logger: Logger): Promise<Listener> {
  const sockets = new Set<Socket>()
  const waiting: Socket[] = []
  let start: ((socket: Socket) => void) | null = null
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    if (start) start(socket)
    else waiting.push(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', (error) => logger.error({ err: error }, 'the listener failed'))
  const bound = server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : address.port

  return {
    port,
    serve(broker, handlers) {
      const dispatch = openDispatcher(handlers, broker)
      const credentials = openScramStore(broker.config.credentials)
      server.maxConnections = broker.config.maxConnections
      let nextId = 1
      start = (socket) => {
        if (socket.destroyed) return
        serveConnection(socket, { id: nextId++, dispatch, config: broker.config, credentials, logger })
        socket.resume()
      }
      for (const socket of waiting.splice(0)) start(socket)
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
