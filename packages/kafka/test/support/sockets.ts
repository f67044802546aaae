/** Cuts this process's connections to a log, as a network does: without a word. */
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
  const ports = new Set(brokers.map((broker) => Number(broker.slice(broker.lastIndexOf(':') + 1))))
  let cut = 0
  for (const socket of sockets) {
    if (socket.remotePort === undefined || !ports.has(socket.remotePort)) continue
    socket.resetAndDestroy()
    cut++
  }
  return cut
}
