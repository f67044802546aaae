import { partitionForKey } from '@streampay/kafka'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'
import { BankClient } from '../support/bank-client.ts'
import { auditLog } from '../support/ledger-check.ts'
import { startLoad } from '../support/load.ts'
import { type StreamPay, startStreamPay } from '../support/streampay-process.ts'

let kafka: ApacheKafka
let streamPay: StreamPay

beforeAll(async () => {
  kafka = await startApacheKafka()
  streamPay = await startStreamPay({ externalBrokers: kafka.brokers, args: ['--speed', '5'] })
}, 240_000)

afterAll(async () => {
  await streamPay?.stop()
  await kafka?.close()
}, 60_000)

it('pays, requests, declines and cancels on Apache Kafka, with the payments service killed meanwhile', async () => {
  const bank = new BankClient({ origins: [streamPay.origin], ca: streamPay.caCertificate() })
  const load = await startLoad({
    bank,
    seed: 'apache',
    random: Math.random,
    partitionOf: (identity) => partitionForKey(identity, 4),
    people: 12,
  })
  const enough = () =>
    load.faults.length > 0 ||
    (load.tally.paid >= 200 && load.tally.requestsCancelled >= 8 && load.tally.duplicates >= 8 && load.tally.races >= 4)
  await until(() => load.tally.paid >= 50 || load.faults.length > 0)
  const pid = streamPay.pidOf('payments')
  process.kill(pid, 'SIGKILL')
  await streamPay.restarted('payments', pid, 60_000)
  await until(enough)
  await load.stop()
  bank.close()
  expect(load.faults).toEqual([])
  const { faults, acknowledged } = await auditLog(streamPay.brokers, load.intents)
  expect(faults).toEqual([])
  expect(acknowledged).toBeGreaterThanOrEqual(200)
}, 180_000)

/** Polls, since answers to many clients are counted. */
async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 120_000, interval: 50 }).toBe(true)
}
