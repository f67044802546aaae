/** Cuts or mutes this process's connections to a log, as a network does: without notice. */
import { channel } from 'node:diagnostics_channel'
import { Socket } from 'node:net'

const sockets = new Set<Socket>()

channel('net.client.socket').subscribe((message) => {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return
  const { socket } = message
  if (!(socket instanceof Socket)) return
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
})

/** Resets every connection to these `host:port`, and returns how many there were. */
export function cutConnections(brokers: readonly string[]): number {
  const present = connectionsTo(brokers)
  for (const socket of present) socket.resetAndDestroy()
  return present.length
}

/** Nothing that is sent on the present connections arrives any more, without an error; returns how many there were. */
export function muteConnections(brokers: readonly string[]): number {
  const present = connectionsTo(brokers)
  for (const socket of present) socket.write = () => true
  return present.length
}

function connectionsTo(brokers: readonly string[]): Socket[] {
  const ports = new Set(brokers.map((broker) => Number(broker.slice(broker.lastIndexOf(':') + 1))))
  return [...sockets].filter(({ remotePort }) => remotePort !== undefined && ports.has(remotePort))
}
