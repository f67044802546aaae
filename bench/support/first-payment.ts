/** Repeats a payment until it is done: how long a person who is already signed in waits for the application. */
import { randomUUID } from 'node:crypto'
import { request } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'

export type PaymentQuestion = {
  readonly origin: string
  readonly ca: Buffer
  readonly token: string
  readonly payee: string
  readonly timeoutMs: number
}

const pauseMs = 20

/** Resolves with `performance.now()` of the answer. @throws Error if none is 200 in time */
export async function firstPayment(question: PaymentQuestion): Promise<number> {
  const key = randomUUID()
  const deadline = performance.now() + question.timeoutMs
  let last = 'no connection'
  while (performance.now() < deadline) {
    const answer = await pay(question, key)
    if (answer === 200) return performance.now()
    last = String(answer)
    await delay(pauseMs)
  }
  throw new Error(`no payment was done within ${question.timeoutMs} ms: ${last}`)
}

/** The status, or why there is none. */
function pay({ origin, ca, token, payee }: PaymentQuestion, key: string): Promise<number | string> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key }
  return new Promise((resolve) => {
    const sent = request(`${origin}/pay`, { method: 'POST', headers, ca, agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.on('error', (error) => resolve(error.message))
    })
    sent.on('error', (error) => resolve(error.message))
    sent.end(JSON.stringify({ userId: payee, amount: 1 }))
  })
}
