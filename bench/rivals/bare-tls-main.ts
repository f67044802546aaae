/**
 * The limit to which `sse` is compared if each stream has a connection of its own: Node's TLS alone. It writes the frames of ten events at
 * a time to each socket, and keeps idle sockets open.
 *
 *     bare-tls-main.ts <folder with the certificate>
 */
import { setImmediate } from 'node:timers/promises'
import { createServer, type TLSSocket } from 'node:tls'
import { developmentCertificate } from '../../apps/api/src/certificates.ts'

/** As a stream is answered, so that the same clients watch both. */
const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n'
const framesOfWrite = 10
/** The most bytes that wait for all clients: without a bound, a burst would be in memory once for each client. */
const mostWaitingBytes = 64 * 1024 * 1024

const [, , folder = ''] = process.argv
process.once('disconnect', () => process.exit(0))

const { key, cert } = await developmentCertificate(folder, Date.now())
const sockets = new Set<TLSSocket>()
const server = createServer({ key, cert, ALPNProtocols: ['http/1.1'] })
server.on('secureConnection', (socket) => {
  socket.once('data', () => {
    socket.write(head)
    sockets.add(socket)
  })
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => sockets.delete(socket))
})
process.on('message', ({ frames }: { readonly frames: readonly string[] }) => void writeAll(frames))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ type: 'ready', port: typeof address === 'object' ? address?.port : undefined })
})

async function writeAll(frames: readonly string[]): Promise<void> {
  for (let at = 0; at < frames.length; at += framesOfWrite) {
    const bytes = Buffer.from(frames.slice(at, at + framesOfWrite).join(''))
    for (const socket of sockets) socket.write(bytes)
    // The next ones in a turn of their own: else Node would join them, and a write would be of more than ten.
    do await setImmediate()
    while (waitingBytes() > mostWaitingBytes)
  }
}

function waitingBytes(): number {
  let bytes = 0
  for (const { writableLength } of sockets) bytes += writableLength
  return bytes
}
