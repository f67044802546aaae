import { apiByKey, apis, encodeRequestHeader, type Field, type Layout } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { handlers } from '../src/apis/handlers.ts'
import { testBroker, wireClient } from './support/test-broker.ts'

/** Every field with its smallest value. */
function least(layout: Layout): Record<string, unknown> {
  return Object.fromEntries(Object.entries(layout).map(([name, field]) => [name, leastOf(field)]))
}

function leastOf(field: Field): unknown {
  if (field.type === 'array' || field.type === 'list') return []
  if (field.type === 'struct') return least(field.layout ?? {})
  if (field.type === 'string') return 'x'
  if (field.type === 'bytes') return Buffer.alloc(0)
  if (field.type === 'bool') return false
  if (field.type === 'uuid') return '00000000-0000-0000-0000-000000000000'
  return 0
}

const versions = handlers.flatMap(({ key, minVersion, maxVersion }) =>
  Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => [key, minVersion + index] as const),
)

// Widely used clients leave bytes after a body; Kafka ignores them, and this log closed the connection.
test('bytes behind a body are ignored, for every API and version', async () => {
  const broker = await testBroker()
  for (const [key, version] of versions) {
    const api = apiByKey(key)
    if (api === undefined) throw new Error(`no API ${key}`)
    // A handshake turns the connection into one that logs in.
    const client = await wireClient(broker)
    const body = api.encodeRequest(version, { ...least(api.layouts.request), acks: 1 } as never)
    const header = encodeRequestHeader({ apiKey: key, apiVersion: version, correlationId: 7, clientId: 'test' })
    const answered = new Promise<string>((resolve) => {
      client.socket.once('data', () => resolve('answered'))
      client.socket.once('close', () => resolve('closed'))
    })
    client.send(Buffer.concat([header, body, Buffer.from([1, 2, 3, 4, 5])]))
    expect(`${api.name} ${version}: ${await answered}`).toBe(`${api.name} ${version}: answered`)
    client.close()
  }
  expect(versions.map(([key]) => key)).toContain(apis.produce.key)
})
