/**
 * How fast the state of a payments process is restored, beside the limits under it, and how long a process that was killed
 * leaves its commands unanswered with it.
 *
 *     node bench/scenarios/restoration.ts [--accounts 1000000] [--keys 1000000] [--rounds 3] [--brokers host:port] [--data folder]
 *
 * Fills a log with that many accounts and idempotency keys: an embedded broker in a process of its own, or that of
 * `--brokers`, whose topics must not exist yet. Each measurement has a fresh process, in an order that turns each round:
 *
 *     bytes        batches are fetched and their checksums compared
 *     records      the reader alone: records of the transactions that committed, keys and values as bytes
 *     restoration  what a process does when it takes over all tasks: decoded, checked, in its stores
 *
 * Then payments processes: the only one is killed and started again; one of two is killed, and the other takes over.
 * Prints one JSON line a measurement. `perCoreSecond` counts the processor time of the process, all its threads.
 */
import { parseArgs } from 'node:util'
import { openCluster } from '@streampay/kafka'
import { ensureTopics } from '@streampay/payments'
import { startBrokerProcess } from '../support/broker-process.ts'
import { measureInOwnProcess, type Reading, readings } from '../support/changelog-readings.ts'
import { fillLog } from '../support/large-state.ts'
import { measureRestart, measureTakeover } from '../support/unanswered.ts'

const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '1000000' },
    keys: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    brokers: { type: 'string' },
    data: { type: 'string' },
  },
})
const state = { accounts: Number(values.accounts), keys: Number(values.keys) }
const report = (scenario: string, numbers: object) => console.log(JSON.stringify({ scenario, ...numbers }))

const broker = values.brokers === undefined ? await startBrokerProcess(values.data) : undefined
const brokers = values.brokers ?? broker?.address ?? ''
try {
  const cluster = openCluster({ brokers: brokers.split(','), clientId: 'bench' })
  await cluster.ready()
  const created = await ensureTopics(cluster)
  const began = performance.now()
  if (created.length > 0) await fillLog(cluster, state)
  report('fill', { ...state, seconds: Math.round((performance.now() - began) / 100) / 10 })
  await cluster.close()
  for (let round = 0; round < Number(values.rounds); round++) {
    const order: Reading[] = round % 2 === 0 ? [...readings] : readings.toReversed()
    for (const reading of order) report(reading, await measureInOwnProcess(reading, brokers))
  }
  report('restart after SIGKILL', await measureRestart(brokers))
  report('takeover after SIGKILL, no standby', await measureTakeover(brokers, { standbys: 0 }))
  report('takeover after SIGKILL, one standby', await measureTakeover(brokers, { standbys: 1 }))
} finally {
  await broker?.stop()
}
