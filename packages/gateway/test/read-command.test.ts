/** The service's side of the log: `readCommand` takes what a gateway writes, and a gateway takes what its `reply` makes. */
import { openProducer, openReader } from '@streampay/kafka'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { defaultHeaderNames, defineGateway, NoCommandError, type ReadCommand, readCommand } from '../src/index.ts'
import { definition } from './support/definition.ts'
import { openSurroundings, openTestGateway } from './support/test-gateway.ts'

/** Without an issuer that could be asked. */
async function keyOfTest() {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const issuer = { issuer: 'https://nowhere.invalid', audience: 'test', jwks: { keys: [await exportJWK(publicKey)] } }
  const sign = (key = privateKey) =>
    new SignJWT({ iss: issuer.issuer, aud: issuer.audience, sub: 'ada', scope: 'write read' })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setExpirationTime('1h')
      .sign(key)
  return { issuer, sign }
}

async function setUp(answer: (command: ReadCommand) => { status: number; value: unknown }) {
  const gateway = defineGateway({ ...definition, headers: defaultHeaderNames })
  const surroundings = await openSurroundings(gateway)
  onTestFinished(surroundings.close)
  const { cluster, admin } = surroundings.log
  const producer = openProducer(cluster)
  const reader = openReader(cluster)
  const [commands] = await admin.describeTopics(['commands'])
  reader.assign((commands?.partitions ?? []).map(({ partition }) => ({ topic: 'commands', partition, offset: 0 })))
  const serve = async () => {
    for await (const fetched of reader) {
      for (const record of fetched.flatMap(({ records }) => records)) {
        const command = readCommand(record)
        const { status, value } = answer(command)
        const reply = command.reply(status, value)
        await producer.send([{ ...reply, value: JSON.stringify(reply.value) }])
      }
    }
  }
  const serving = serve()
  onTestFinished(async () => {
    await reader.close()
    await serving
    await producer.close()
  })
  const { issuer, sign } = await keyOfTest()
  const opened = await openTestGateway(gateway, surroundings, { issuer })
  onTestFinished(opened.close)
  return { http: opened.http2, sign }
}

test('a service takes commands, and its replies are the responses: those of success, and refusals', async () => {
  const commands: ReadCommand[] = []
  const { http, sign } = await setUp((command) => {
    commands.push(command)
    const { times = 0 } = command.body as { readonly times?: number }
    return times > 1 ? { status: 409, value: { title: 'too often' } } : { status: 200, value: { done: true } }
  })
  const token = await sign()
  const headers = { 'idempotency-key': 'my-key' }
  const done = await http.call('/do', { token, headers, body: { what: 'it' } })
  expect([done.status, done.text]).toEqual([200, '{"done":true}'])
  expect(done.headers['idempotency-key']).toBe('my-key')
  const refused = await http.call('/do', { token, body: { what: 'it', times: 2 } })
  expect(refused.status).toBe(409)
  expect(refused.headers['content-type']).toContain('application/problem+json')
  expect(commands[0]).toMatchObject({ identity: 'ada', idempotencyKey: 'my-key', model: 'Do', body: { what: 'it' } })
})

test('only keys that are given are trusted', async () => {
  const { http, sign } = await setUp(() => ({ status: 200, value: {} }))
  const { privateKey } = await generateKeyPair('ES256')
  expect((await http.call('/do', { token: await sign(privateKey), body: { what: 'it' } })).status).toBe(401)
  expect((await http.call('/do', { token: await sign(), body: { what: 'it' } })).status).toBe(200)
})

test('a record that no gateway wrote is no command', () => {
  const headers = Object.entries(defaultHeaderNames).map(([, name]): [string, Buffer] => [name, Buffer.from('x')])
  const value = Buffer.from('{}')
  expect(readCommand({ headers, value }).identity).toBe('x')
  for (const missing of ['identity', 'idempotency-key', 'correlation-id', 'reply-to', 'model']) {
    const others = headers.filter(([name]) => name !== missing)
    expect(() => readCommand({ headers: others, value })).toThrow(`the record has no header ${missing}`)
  }
  for (const wrong of [null, Buffer.from('{')]) {
    expect(() => readCommand({ headers, value: wrong })).toThrow(NoCommandError)
  }
})
