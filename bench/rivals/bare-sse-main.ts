/**
 * The limit to which `sse` is compared: Node's HTTPS/2 alone, writing the same frames to every stream as soon as it has them.
 *
 *     bare-sse-main.ts <folder with the certificate>
 */
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { developmentCertificate } from '../../apps/api/src/certificates.ts'

const [, , folder = ''] = process.argv
process.once('disconnect', () => process.exit(0))

const { key, cert } = await developmentCertificate(folder, Date.now())
const streams = new Set<ServerHttp2Stream>()
const server = createSecureServer({ key, cert })
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200, 'content-type': 'text/event-stream' })
  streams.add(stream)
  stream.on('close', () => streams.delete(stream))
  stream.on('error', () => streams.delete(stream))
})
process.on('message', ({ frames }: { readonly frames: readonly string[] }) => {
  for (const frame of frames) for (const stream of streams) stream.write(frame)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ type: 'ready', port: typeof address === 'object' ? address?.port : undefined })
})
