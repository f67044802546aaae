/** Open connections, so that a shutdown can end them in order instead of waiting for clients to leave. */
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { App } from './app.ts'

export type Connections = {
  /** Lets what is under way finish, takes nothing new; whatever is left after the time is cut. */
  readonly close: (graceMs: number) => void
}

export function trackConnections(app: App): Connections {
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  app.server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  app.server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    close: (graceMs) => {
      for (const session of sessions) session.close()
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy()
        for (const socket of sockets) socket.destroy()
      }, graceMs)
      timer.unref()
    },
  }
}
