/**
 * A page with one command and one live view. `POST /greet` becomes a record, a topology answers it exactly once, and `GET /greetings`
 * streams all greetings. The certificate is made for this run, so that a browser asks before it shows the page.
 */
import { fileURLToPath } from 'node:url'
import { createBroker } from '@streampay/broker'
import { defaultHeaderNames, defineGateway, readCommand, startGateway } from '@streampay/gateway'
import { openAdmin, openCluster, type ReceivedRecord } from '@streampay/kafka'
import { internalTopics, type ProcessorContext, runTopology, type Serde, type Topology } from '@streampay/streams'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { pino } from 'pino'
import { generate } from 'selfsigned'
import { Object as Struct, String as Text } from 'typebox'

const text = Text({ minLength: 1, maxLength: 200 })
const body = Struct({ text }, { additionalProperties: false })
const greeting = Struct({ from: Text(), text })
const config = { 'cleanup.policy': 'delete' }
const topics = [
  { name: 'commands', description: 'Commands', key: 'who', valueSchema: body, config },
  { name: 'replies', description: 'Replies', key: 'correlation id', valueSchema: greeting, config },
  { name: 'greetings', description: 'What was said', key: 'who', valueSchema: greeting, config },
]
const gateway = defineGateway({
  name: 'greetings',
  title: 'Greetings',
  version: '1.0.0',
  description: 'One command and one live view.',
  scopes: { greet: 'say something', read: 'read what everybody says' },
  isReserved: () => false,
  headers: defaultHeaderNames,
  topics,
  commandTopic: 'commands',
  replyTopic: 'replies',
  routes: [
    {
      ...{ kind: 'command', path: '/greet', summary: 'Say something', scope: 'greet' },
      ...{ model: 'Greet', body, success: { 200: greeting }, refusals: [] },
    },
    { kind: 'view', path: '/greetings', summary: 'What was said', scope: 'read', topic: 'greetings', show: 'list' },
    { kind: 'reply', path: '/replies/{correlationId}', summary: 'The own reply' },
  ],
})

const json: Serde<object> = {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(bytes.toString()),
}
const replies = { topic: 'replies', value: json }
const greetings = { topic: 'greetings', value: json }

const greeter: Topology = {
  applicationId: 'greeter',
  sources: [{ topic: 'commands', priority: 0, onError: 'stop', process: greet }],
  // What was answered to each intent: a command that is sent again gets the same answer, and is said once.
  stores: [{ name: 'answers', value: json }],
  tables: [],
  sinks: [replies, greetings],
}

function greet(record: ReceivedRecord, context: ProcessorContext): undefined {
  const { identity, idempotencyKey, body, reply } = readCommand(record)
  const answers = context.store<object>('answers')
  const intent = `${identity} ${idempotencyKey}`
  const known = answers.get(intent)
  const said = known ?? { from: identity, ...Object(body) }
  if (known === undefined) {
    answers.set(intent, said)
    context.send(greetings, { key: identity, value: said })
  }
  context.send(replies, reply(200, said))
}

const broker = await createBroker()
const cluster = openCluster({ brokers: [broker.brokers], clientId: 'greetings' })
const all = [...topics, ...internalTopics(greeter, 1)]
await openAdmin(cluster).createTopics(all.map(({ name, config }) => ({ name, partitions: 1, configs: config })))
const logger = pino({ level: 'warn' })
const service = runTopology(greeter, { cluster, slot: 0, logger })

// In place of an issuer: one key, which signs a token for one person. The page is given it.
const { publicKey, privateKey } = await generateKeyPair('ES256')
const issuer = { issuer: 'https://localhost', audience: 'greetings', jwks: { keys: [await exportJWK(publicKey)] } }
const claims = { iss: issuer.issuer, aud: issuer.audience, sub: 'ada', scope: 'greet read' }
const signer = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' }).setExpirationTime('8h')
const made = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
const running = await startGateway(gateway, {
  ...{ cluster, issuer, logger, host: '127.0.0.1', port: Number(process.env.PORT ?? 8443) },
  tls: { key: made.private, cert: made.cert },
  ui: { root: fileURLToPath(new URL('gateway-page', import.meta.url)), origin: '', sharedPaths: [] },
  uiConfig: { token: await signer.sign(privateKey) },
})
await Promise.all([running.ready, service.ready])
console.log(`https://localhost:${running.port}/ (Ctrl-C ends it)`)

process.once('SIGINT', async () => {
  for (const part of [running, service, cluster, broker]) await part.close()
})
