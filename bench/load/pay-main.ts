/**
 * A process that pays in a closed loop over HTTP/2: so many payments are always under way. It is a process of its own, so
 * that its work delays no measuring, and its CPU can be told apart.
 */
import { type ClientHttp2Session, connect } from 'node:http2'
import { setTimeout as delay } from 'node:timers/promises'
import { sendPayment } from '../support/whole-answer.ts'
import type { PayBegin, PayDone, PayJob } from './pay-job.ts'

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
  const tookMs: number[] = []
  const others: Record<string, number> = {}
  let next = 0
  let counting = false
  let stopped = false

  async function loop(session: ClientHttp2Session): Promise<void> {
    while (!stopped) {
      const n = next++
      const payer = job.payers[n % job.payers.length]
      const payee = job.payers[(n + 1 + Math.floor(n / job.payers.length)) % job.payers.length]
      if (payer === undefined || payee === undefined || payer === payee) continue
      const startedAt = performance.now()
      const { status, body, error } = await sendPayment(session, payer.token, payee.id)
      if (error !== undefined) throw error
      if (status !== 200) {
        const what = `${status} ${body.slice(0, 200)}`
        others[what] = (others[what] ?? 0) + 1
      } else if (counting && !stopped) tookMs.push(performance.now() - startedAt)
    }
  }

  const loops = Array.from({ length: job.inFlight }, (_, index) => {
    const session = sessions[index % sessions.length]
    if (session === undefined) throw new Error('there is no session')
    return loop(session)
  })
  await delay(job.warmUpSeconds * 1000)
  const begin: PayBegin = { type: 'begin' }
  process.send?.(begin)
  counting = true
  const beganAt = performance.now()
  await delay(job.seconds * 1000)
  stopped = true
  const seconds = (performance.now() - beganAt) / 1000
  await Promise.all(loops)
  for (const session of sessions) session.destroy()
  return { type: 'done', seconds, tookMs, others }
}
