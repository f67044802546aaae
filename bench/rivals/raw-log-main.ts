/**
 * The limit to which `log` is compared: a file that is appended to and synced before each acknowledgement, behind a
 * loopback connection. Appends in one turn of the event loop share a sync.
 *
 *     raw-log-main.ts <file>
 *
 * Requests: 4 bytes length, then that many bytes to append; the answer is 4 bytes. Length 0 asks for the whole file.
 */
import { closeSync, createReadStream, fdatasyncSync, openSync, writevSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'

const [, , path = ''] = process.argv
process.once('disconnect', () => process.exit(0))

const file = openSync(path, 'a')
let waiting: { readonly bytes: Buffer; readonly socket: Socket }[] = []

/** On this thread: a call to another one would take longer than a sync of a fast disk. */
function writeAll(): void {
  const batch = waiting
  waiting = []
  if (batch.length === 0) return
  writevSync(
    file,
    batch.map(({ bytes }) => bytes),
  )
  fdatasyncSync(file)
  for (const { socket } of batch) socket.write(acknowledgement)
}

const acknowledgement = Buffer.alloc(4)

const server = createServer((socket) => {
  socket.setNoDelay(true)
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0)
      if (rest.length < 4 + length) break
      if (length === 0) createReadStream(path, { highWaterMark: 1024 * 1024 }).pipe(socket)
      else waiting.push({ bytes: rest.subarray(4, 4 + length), socket })
      rest = rest.subarray(4 + length)
    }
    setImmediate(writeAll)
  })
  socket.on('error', () => undefined)
})
process.on('exit', () => closeSync(file))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ type: 'ready', port: typeof address === 'object' ? address?.port : undefined })
})
