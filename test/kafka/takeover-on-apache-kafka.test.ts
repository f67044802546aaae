/**
 * Real payments processes on Apache Kafka with its default settings. One of them is killed or paused at one of the two worst moments: when
 * its records are on the log but not its offsets, or both but not the end of the transaction; or it hangs while the group makes its next
 * generation. Since the promise is a bound on the outage, these tests assert times, unlike all others.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'
import { auditLog } from '../support/ledger-check.ts'
import { type PaymentsProcess, startPayments } from '../takeover/payments-process.ts'
import { startTraffic, type Traffic } from '../takeover/traffic.ts'

const sessionTimeoutMs = 6_000
/**
 * The timeout of a transaction: if the successor does not end the one that is open, nothing is answered before that. On a quiet machine it takes
 * the session and less than a second.
 */
const boundMs = 10_000
/** A member that has joined gets its full session only when all others have joined, too: two sessions at most. */
const boundInRebalanceMs = 2 * sessionTimeoutMs

let kafka: ApacheKafka
const processes: PaymentsProcess[] = []

beforeAll(async () => {
  // The time for which an empty group waits for its first members is Kafka's default, too.
  kafka = await startApacheKafka({ settings: { 'group.initial.rebalance.delay.ms': '3000' } })
}, 240_000)

afterEach(async () => {
  for (const one of processes.splice(0)) {
    one.kill('SIGKILL')
    await one.ended
  }
})

afterAll(() => kafka.close())

async function start(slot: number, standbys: number): Promise<PaymentsProcess> {
  const started = await startPayments({
    KAFKA_BROKERS: kafka.brokers.join(','),
    PAYMENTS_SLOT: String(slot),
    PAYMENTS_STANDBY_REPLICAS: String(standbys),
  })
  processes.push(started)
  return started
}

/** Waits until the processes have this many partitions, and as many standbys; polls, since a rebalance is over when all say so. */
async function sharing(all: readonly PaymentsProcess[], shares: readonly number[], standbys = 0): Promise<void> {
  const have = async () => {
    const states = await Promise.all(all.map((one) => one.state()))
    return {
      tasks: states.map(({ tasks }) => tasks.length).sort(),
      followed: states.reduce((sum, state) => sum + state.standbys.length, 0),
    }
  }
  const expected = { tasks: shares, followed: 4 * standbys }
  await expect.poll(have, { timeout: 30_000, interval: 50 }).toEqual(expected)
}

async function outageFrom(at: number, traffic: Traffic, what: string): Promise<number> {
  const outageMs = (await traffic.answering(at)) - at
  console.log(`${what}: all partitions answer again after ${outageMs} ms`)
  return outageMs
}

/** Every command was answered once, although processes were fenced, and the ledger is correct. */
async function expectAllRight(traffic: Traffic): Promise<void> {
  const { commands, answeredOnce } = await traffic.stop()
  expect(answeredOnce).toBe(commands)
  const { faults } = await auditLog(kafka.brokers, [])
  expect(faults).toEqual([])
}

describe('takeover on Apache Kafka', () => {
  const crashes = [0, 1].flatMap((standbys) =>
    (['offsets', 'commit'] as const).flatMap((step) =>
      (['SIGKILL', 'SIGSTOP'] as const).map((signal) => ({ step, signal, standbys })),
    ),
  )

  it.each(crashes)(
    'answers everywhere before the timeout of a transaction after $signal before $step, $standbys standbys',
    async ({ standbys, ...crash }) => {
      const [victim, survivor] = await Promise.all([start(0, standbys), start(1, standbys)])
      await sharing([victim, survivor], [2, 2], standbys)
      const traffic = await startTraffic(kafka.brokers)
      const at = await victim.crash(crash)
      const outageMs = await outageFrom(at, traffic, `${crash.signal} before ${crash.step}, ${standbys} standbys`)
      expect(outageMs).toBeLessThanOrEqual(boundMs)
      if (crash.signal === 'SIGSTOP') {
        victim.kill('SIGCONT')
        const { code, words } = await victim.ended
        expect({ code, words }).toEqual({ code: 1, words: expect.stringMatching(/FENCED|fenced|refused/) })
      }
      await sharing([await start(0, standbys), survivor], [2, 2], standbys)
      await expectAllRight(traffic)
    },
    90_000,
  )

  it('answers everywhere within two sessions after SIGSTOP in the middle of a rebalance', async () => {
    const [victim, survivor] = await Promise.all([start(0, 0), start(1, 0)])
    await sharing([victim, survivor], [2, 2])
    const traffic = await startTraffic(kafka.brokers)
    const rebalancing = victim.says('giving up tasks')
    const newcomer = start(2, 0)
    await rebalancing
    const at = Date.now()
    victim.kill('SIGSTOP')
    const outageMs = await outageFrom(at, traffic, 'SIGSTOP in the middle of a rebalance')
    expect(outageMs).toBeLessThanOrEqual(boundInRebalanceMs)
    // If it had a transaction open, it was fenced and ends; if not, it joins again with the state that it kept.
    victim.kill('SIGCONT')
    const all = [victim, survivor, await newcomer]
    let isOver = false
    const restarted = victim.ended.then(async () => {
      if (!isOver) all[0] = await start(0, 0)
    })
    restarted.catch(() => undefined)
    await sharing(all, [1, 1, 2])
    isOver = true
    await expectAllRight(traffic)
  }, 90_000)
})
