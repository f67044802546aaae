/**
 * A process that pays over HTTP/2: so many payments are always under way, or so many begin a second. It is a process of its own, so
 * that its work delays no measuring, and its CPU can be told apart.
 */
import { type ClientHttp2Session, connect } from 'node:http2'
import { setTimeout as delay } from 'node:timers/promises'
import { sendPayment } from '../support/whole-answer.ts'
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
  const sessions = Array.from({ length: Math.min(job.connections, job.inFlight) }, () =>
    connect(job.origin, { ca: job.ca }),
  )
  let counted: { tookMs: number[]; others: Record<string, number> } = { tookMs: [], others: {} }
  let counting = false
  let stopped = false
  let next = 0

  /** @param dueAt when it was to begin */
  async function payOne(session: ClientHttp2Session, dueAt: number): Promise<void> {
    const n = next++
    const payer = job.payers[n % job.payers.length]
    const payee = job.payers[(n + 1 + Math.floor(n / job.payers.length)) % job.payers.length]
    if (payer === undefined || payee === undefined || payer === payee) return
    const { status, body, error } = await sendPayment(session, payer.token, payee.id)
    if (error !== undefined && job.perSecond === undefined) throw error
    if (status !== 200) {
      const what = `${status} ${error?.message ?? body.slice(0, 200)}`
      counted.others[what] = (counted.others[what] ?? 0) + 1
    } else if (counting && !stopped) counted.tookMs.push(performance.now() - dueAt)
  }

  function sessionAt(index: number): ClientHttp2Session {
    const session = sessions[index % sessions.length]
    if (session === undefined) throw new Error('there is no session')
    return session
  }

  async function closedLoop(index: number): Promise<void> {
    while (!stopped) await payOne(sessionAt(index), performance.now())
  }

  async function openLoop(perSecond: number): Promise<void> {
    const underWay = new Set<Promise<void>>()
    const everyMs = 1000 / perSecond
    for (let dueAt = performance.now(); !stopped; ) {
      for (; dueAt <= performance.now(); dueAt += everyMs) {
        const paid = payOne(sessionAt(next), dueAt).finally(() => underWay.delete(paid))
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
      for (const session of sessions) session.destroy()
      return { type: 'done', seconds, tookMs, others }
    }
    const part: PayPart = { type: 'part', seconds, tookMs, others }
    process.send?.(part)
    partBeganAt = performance.now()
    counted = { tookMs: [], others: {} }
  }
  throw new Error(`${job.seconds} seconds are no time`)
}
