/**
 * The limit to which `pay` is compared: a bare Fastify over the same HTTPS/2 that parses the body and answers at once, with the bytes that
 * the application answers. It checks and stores nothing.
 *
 *     bare-main.ts <folder with the certificate> <answer>
 */
import { fastify } from 'fastify'
import { developmentCertificate } from '../../apps/api/src/certificates.ts'

const [, , folder = '', answer = ''] = process.argv
process.once('disconnect', () => process.exit(0))

const { key, cert } = await developmentCertificate(folder, Date.now())
const app = fastify({ http2: true, https: { key, cert, allowHTTP1: true } })
app.post('/pay', (request, reply) => {
  const { userId, amount } = request.body as { readonly userId?: unknown; readonly amount?: unknown }
  if (typeof userId !== 'string' || typeof amount !== 'number') return reply.code(400).send()
  return reply.header('content-type', 'application/json').send(answer)
})
await app.listen({ host: '127.0.0.1', port: 0 })
const address = app.server.address()
process.send?.({ type: 'ready', port: typeof address === 'object' ? address?.port : undefined })
