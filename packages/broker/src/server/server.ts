/** The TCP server: accepts connections up to its limits and closes them all at the end. */
import { createServer, type Socket } from 'node:net'
import type { AnyHandler, BrokerContext } from '../apis/api.ts'
import type { Schedule } from '../coordinators/schedule.ts'
import type { AnswerFaults } from '../faults/answer-faults.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from './config.ts'
import { serveConnection } from './connection.ts'
import { addressOf, ConnectionBounds } from './connection-bounds.ts'
import { openDispatcher } from './dispatch.ts'
import { openLineBudget } from './line-budget.ts'
import { LoginPace } from './login-pace.ts'
import { openScramStore } from './scram-store.ts'

export type Listener = {
  readonly port: number
  /** Begins to serve. Before that, connections are accepted and wait. */
  serve(broker: BrokerContext, handlers: readonly AnyHandler[]): void
  /** Open connections. */
  readonly connections: number
  /** Destroys all connections, as in a network failure. @returns their number */
  cut(): number
  /** Destroys all connections and frees the port. */
  close(): Promise<void>
}

/**
 * Takes the port first and serves later: a port in use is detected before any other work, and the port that the system chose
 * for 0 is known when the broker's address is built.
 * @throws the listener's error, with code EADDRINUSE if the port is taken
 */
export async function listen(
  address: { host: string; port: number },
  parts: { config: BrokerConfig; logger: Logger; schedule: Schedule; faults: AnswerFaults },
): Promise<Listener> {
  const { config, logger, schedule, faults } = parts
  const warn = openLineBudget({ logger, schedule })
  const bounds = new ConnectionBounds(config, warn)
  const sockets = new Set<Socket>()
  const waiting: Socket[] = []
  let start: ((socket: Socket) => void) | null = null
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    // Without it, a socket that is lost before it is served would end the process.
    socket.on('error', () => undefined)
    if (!bounds.admit(socket)) return
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
      const credentials = openScramStore(config.credentials)
      const loginPace = new LoginPace(schedule)
      const shared = { dispatch, config, credentials, loginPace, schedule, logger, warn, faults }
      let nextId = 1
      start = (socket) => {
        if (socket.destroyed) return
        serveConnection(socket, { ...shared, id: nextId++, host: addressOf(socket) })
        socket.resume()
      }
      for (const socket of waiting.splice(0)) start(socket)
    },
    get connections() {
      return sockets.size
    },
    cut() {
      const count = sockets.size
      for (const socket of sockets) socket.destroy()
      return count
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
