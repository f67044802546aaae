/**
 * Makes a payment, and follows the payer's balance until it has changed. Bodies, parameters and answers have the types that `npm run client`
 * generates from the OpenAPI document: a path, a field or a header that the gateway does not know is an error of the compiler.
 *
 *     TOKEN=… PAYEE=virtual-0001 NODE_EXTRA_CA_CERTS=data/gateway/ca.pem node examples/typed-client/pay.ts
 */
import { randomUUID } from 'node:crypto'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import createClient from 'openapi-fetch'
import type { paths } from './dist/streampay.ts'

/** An answer without `Accept`: JSON, and problems as JSON; neither CSV nor a stream. */
type Json = `application/${string}`
type Balance = paths['/current-balance']['get']['responses'][200]['content']['application/json']

const { GATEWAY_URL = 'https://localhost:9090', TOKEN = '', PAYEE = '' } = process.env
const client = createClient<paths, Json>({
  baseUrl: GATEWAY_URL,
  headers: { authorization: `Bearer ${TOKEN}` },
})

const before = await client.GET('/current-balance', {})
if (before.error !== undefined) throw new Error(before.error.detail)
console.log(`before: ${before.data.balance} cents`)

await pay({ userId: PAYEE, amount: 1250, notes: 'Lunch' })
for await (const { balance, sequence } of balances()) {
  if (sequence === before.data.sequence) continue
  console.log(`after: ${balance} cents`)
  break
}

type Payment = paths['/pay']['post']['requestBody']['content']['application/json']

async function pay(body: Payment): Promise<void> {
  // One intent has one key: sent again with it, after a lost answer say, it pays once.
  const header = { 'Idempotency-Key': randomUUID() }
  const { error, response } = await client.POST('/pay', { params: { header }, body })
  if (error !== undefined) throw new Error(`${response.status}: ${error.detail}`)
}

/** The balance as it is, and then each change. */
async function* balances(): AsyncGenerator<Balance> {
  const { data, error } = await client.GET('/current-balance', {
    headers: { accept: 'text/event-stream' },
    parseAs: 'stream',
  })
  if (error !== undefined || data === null) throw new Error(error?.detail ?? 'The stream is empty.')
  const events = data.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  // Other events have names: `caught-up`, `reset`, `challenge`, `expired`.
  for await (const { event, data } of events) if (event === undefined) yield JSON.parse(data) as Balance
}
