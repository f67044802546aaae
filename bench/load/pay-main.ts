/**
 * A process that pays over HTTP/2, or HTTP/1.1: a fixed number of payments is always under way, or begins each second. It is a process of
 * its own, so that its work does not delay the measurement, and its CPU can be counted separately.
 */
import { connect } from 'node:http2'
import { Agent } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { sendPayment, sendPaymentOverHttp1, type WholeAnswer } from '../support/whole-answer.ts'
import type { PayBegin, PayDone, PayJob, PayPart } from './pay-job.ts'

process.once('disconnect', () => process.exit(1))
process.once('message', (job: PayJob) => {
  pay(job).then(
    (done) => process.send?.(done, undefined, undefined, () => process.disconnect?.()),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.send?.({ type: 'ready' })

async function pay(job: PayJob): Promise<PayDone> {
  const client = job.http1 ? http1Client(job) : http2Client(job)
  let counted: { tookMs: number[]; others: Record<string, number> } = { tookMs: [], others: {} }
  let counting = false
  let stopped = false
  let next = 0

  /** @param dueAt when it was to begin */
  async function payOne(connection: number, dueAt: number): Promise<void> {
    const n = next++
    const payer = job.payers[n % job.payers.length]
    const payee = job.payers[(n + 1 + Math.floor(n / job.payers.length)) % job.payers.length]
    if (payer === undefined || payee === undefined || payer === payee) return
    const { status, body, error } = await client.pay(connection, payer.token, payee.id)
    if (error !== undefined && job.perSecond === undefined) throw error
    if (status !== 200) {
      const what = `${status} ${error?.message ?? body.slice(0, 200)}`
      counted.others[what] = (counted.others[what] ?? 0) + 1
    } else if (counting && !stopped) counted.tookMs.push(performance.now() - dueAt)
  }

  async function closedLoop(index: number): Promise<void> {
    while (!stopped) await payOne(index, performance.now())
  }

  async function openLoop(perSecond: number): Promise<void> {
    const underWay = new Set<Promise<void>>()
    const everyMs = 1000 / perSecond
    for (let dueAt = performance.now(); !stopped; ) {
      for (; dueAt <= performance.now(); dueAt += everyMs) {
        const paid = payOne(next, dueAt).finally(() => underWay.delete(paid))
        underWay.add(paid)
      }
      await delay(1)
    }
    await Promise.all(underWay)
  }

  const loops =
    job.perSecond === undefined
      ? Array.from({ length: job.inFlight }, (_, index) => closedLoop(index))
      : [openLoop(job.perSecond)]
  await delay(job.warmUpSeconds * 1000)
  const begin: PayBegin = { type: 'begin' }
  process.send?.(begin)
  counting = true
  const { partSeconds = job.seconds } = job
  let partBeganAt = performance.now()
  for (let left = job.seconds; left > 0; left -= partSeconds) {
    await delay(Math.min(left, partSeconds) * 1000)
    const seconds = (performance.now() - partBeganAt) / 1000
    if (left <= partSeconds) stopped = true
    const { tookMs, others } = counted
    if (stopped) {
      await Promise.all(loops)
      client.close()
      return { type: 'done', seconds, tookMs, others }
    }
    const part: PayPart = { type: 'part', seconds, tookMs, others }
    process.send?.(part)
    partBeganAt = performance.now()
    counted = { tookMs: [], others: {} }
  }
  throw new Error(`${job.seconds} seconds are no time`)
}

type Client = {
  /** @param connection any number: payments of one go on one connection, as far as there are so many */
  readonly pay: (connection: number, token: string, payee: string) => Promise<WholeAnswer>
  readonly close: () => void
}

function http2Client({ origin, ca, connections, inFlight }: PayJob): Client {
  const sessions = Array.from({ length: Math.min(connections, inFlight) }, () => connect(origin, { ca }))
  return {
    pay(connection, token, payee) {
      const session = sessions[connection % sessions.length]
      if (session === undefined) throw new Error('there is no session')
      return sendPayment(session, token, payee)
    },
    close: () => {
      for (const session of sessions) session.destroy()
    },
  }
}

function http1Client({ origin, ca, connections }: PayJob): Client {
  const agent = new Agent({ ca, keepAlive: true, maxSockets: connections })
  return {
    pay: (_connection, token, payee) => sendPaymentOverHttp1({ agent, origin }, token, payee),
    close: () => agent.destroy(),
  }
}
