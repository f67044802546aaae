/**
 * Real payments processes on Apache Kafka with its default settings, one of which is killed or paused at the two worst
 * moments: its records are on the log but not its offsets, or both but not the end of the transaction. What the issue asks
 * for is a bound on the outage, so here, unlike elsewhere, a test asserts on time.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'
import { auditLog } from '../support/ledger-check.ts'
import { type PaymentsProcess, startPayments } from '../takeover/payments-process.ts'
import { startTraffic } from '../takeover/traffic.ts'

const sessionTimeoutMs = 6_000
const boundMs = sessionTimeoutMs + 1_000

let kafka: ApacheKafka
const processes: PaymentsProcess[] = []

beforeAll(async () => {
  // Also the time that an empty group gives its first members to gather is Kafka's own.
  kafka = await startApacheKafka({ settings: { 'group.initial.rebalance.delay.ms': '3000' } })
}, 240_000)

afterEach(async () => {
  for (const one of processes.splice(0)) {
    one.kill('SIGKILL')
    await one.ended
  }
})

afterAll(() => kafka.close())

async function start(slot: number): Promise<PaymentsProcess> {
  const started = await startPayments({ KAFKA_BROKERS: kafka.brokers.join(','), PAYMENTS_SLOT: String(slot) })
  processes.push(started)
  return started
}

/** Both share the partitions; polls, since a rebalance is over when both say so. */
async function sharing(one: PaymentsProcess, other: PaymentsProcess): Promise<void> {
  const shares = async () => [await one.tasks(), await other.tasks()].map((tasks) => tasks.length)
  await expect.poll(shares, { timeout: 30_000, interval: 50 }).toEqual([2, 2])
}

describe('takeover on Apache Kafka', () => {
  const crashes = (['offsets', 'commit'] as const).flatMap((step) =>
    (['SIGKILL', 'SIGSTOP'] as const).map((signal) => ({ step, signal })),
  )

  it.each(crashes)(
    'answers everywhere within the session and a second after $signal before $step',
    async (crash) => {
      const [victim, survivor] = await Promise.all([start(0), start(1)])
      await sharing(victim, survivor)
      const traffic = await startTraffic(kafka.brokers)
      const at = await victim.crash(crash)
      const outageMs = (await traffic.answering(at)) - at
      console.log(`${crash.signal} before ${crash.step}: all partitions answer again after ${outageMs} ms`)
      expect(outageMs).toBeLessThanOrEqual(boundMs)
      if (crash.signal === 'SIGSTOP') {
        victim.kill('SIGCONT')
        const { code, words } = await victim.ended
        expect({ code, words }).toEqual({ code: 1, words: expect.stringMatching(/FENCED|fenced|took over/) })
      }
      await sharing(await start(0), survivor)
      const { commands, answeredOnce } = await traffic.stop()
      expect(answeredOnce).toBe(commands)
      const { faults } = await auditLog(kafka.brokers, [])
      expect(faults).toEqual([])
    },
    90_000,
  )
})
