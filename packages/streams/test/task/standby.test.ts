/** Standbys have the state of a task without owning it, and take it over with almost nothing to read. */
import { KafkaError, keyOf } from '@streampay/kafka'
import type { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { type StreamClock, systemClock } from '../../src/log/stream-clock.ts'
import { defaultLimits } from '../../src/runtime/limits.ts'
import { bankTopology } from '../support/bank.ts'
import { bankLog, bankPartition, closeAll, expectExactlyOnce, quiet, until } from '../support/simulated-bank.ts'
import type { SimulatedProcess } from '../support/simulated-log.ts'
import { changelogs, eventually, pay, watched } from '../support/watched-process.ts'

afterEach(closeAll)

describe('a standby', () => {
  const standbys = { numStandbyReplicas: 1 }

  it('follows the others’ changelogs, and takes over with almost nothing to read', async () => {
    const log = bankLog()
    const dying = log.process()
    const first = watched(log, { process: dying, ...standbys })
    const process = log.process()
    const followed = followedBy(process)
    const second = watched(log, { slot: 1, process, ...standbys })
    await second.topology.ready
    await eventually(() => first.topology.standbys.length === 2)
    expect([first.topology.standbys, second.topology.standbys]).toEqual([
      [1, 3],
      [0, 2],
    ])
    await pay(log, 0, 80)
    await eventually(() => second.said('the standby has caught up').length === 2)
    const lag = await second.registry.getSingleMetric('streams_standby_lag_records')?.get()
    expect(lag?.values.map(({ labels }) => Number(labels.partition)).sort()).toEqual([0, 0, 2, 2])
    const read = await second.restored()
    // The lag is that of the last fetch: later records are not counted in it.
    const behind = () =>
      changelogs
        .flatMap((topic) => [0, 2].map((partition) => ({ topic, partition })))
        .filter((at) => {
          return (followed.get(keyOf(at)) ?? 0) < log.stableEnd(at)
        })
    await eventually(() => behind().length === 0)
    dying.kill().catch(() => undefined)
    await log.groups.expire('bank', 'bank-slot-0')
    await eventually(() => second.topology.tasks.length === 4)
    expect(await second.restored()).toBe(read)
    await pay(log, 80, 120)
    expectExactlyOnce(log, 120)
  })

  // A tombstone is compacted away a day after it came: a standby that was paused meanwhile would keep the key.
  it('that was away for too long starts over, so that it misses no delete', async () => {
    const log = bankLog()
    let skew = 0
    const clock = { ...systemClock, now: () => systemClock.now() + skew }
    const dying = log.process()
    watched(log, { process: dying, ...standbys })
    // One that has tables as well would end.
    const topology = { ...bankTopology(), tables: [] }
    const standby = watched(log, { slot: 1, clock, topology, ...standbys })
    await standby.topology.ready
    const tasks = standby.topology.standbys
    const name = ['ann', 'bob', 'cid', 'dot'].find((one) => tasks.includes(bankPartition(one))) ?? ''
    const at = { topic: 'bank-accounts-changelog', partition: bankPartition(name) }
    log.write({ topic: 'commands', key: name, value: JSON.stringify({ to: name, amount: 80 }) })
    await until(log, quiet(log, 1))
    await eventually(async () => (await totalLag(standby.registry)) === 0)
    skew = 7 * 3_600_000
    log.compactAway(at, name)
    log.write({ ...at, key: 'zoe', value: '{"balance":1,"version":0}' })
    await eventually(() => standby.said('kept state cannot continue; it is restored from the beginning').length > 0)
    dying.kill().catch(() => undefined)
    await log.groups.expire('bank', 'bank-slot-0')
    await eventually(() => standby.topology.tasks.length === 4)
    log.write({ topic: 'commands', key: name, value: JSON.stringify({ to: 'zoe', amount: 100 }) })
    await eventually(() => log.committed('replies').length === 2)
    expect(log.committed('replies').map(({ value }) => value?.toString())).toEqual(['paid', 'paid'])
  })

  it('gives up a task whose changelog it cannot read, and the process continues with its own', async () => {
    const log = bankLog()
    const first = watched(log, standbys)
    const second = watched(log, { slot: 1, ...standbys })
    await second.topology.ready
    const [task = -1, other] = second.topology.standbys
    log.write({ topic: 'bank-accounts-changelog', partition: task, key: 'zoe', value: '{' })
    await eventually(() => second.said('the standby of a task cannot continue').length > 0)
    expect(second.topology.standbys).toEqual([other])
    await pay(log, 0, 40)
    expect(log.committed('replies')).toHaveLength(40)
    expect([first.topology.state, second.topology.state]).toEqual(['running', 'running'])
  })

  // It ended the process, and with it the process's own tasks.
  it('ends when the log gives it what cannot be read, and the process continues with its own tasks', async () => {
    const log = bankLog()
    const first = watched(log, standbys)
    const process = log.process()
    const openReader = process.openReader.bind(process)
    process.openReader = (options: { lent?: boolean; maxBytes?: number } = {}) => {
      const reader = openReader(options)
      const isStandbys = options.maxBytes === defaultLimits.maxStandbyFetchBytes
      if (isStandbys) reader.poll = () => Promise.reject(new KafkaError('KAFKA_CORRUPT_BATCH', 'the checksum differs'))
      return reader
    }
    const second = watched(log, { slot: 1, process, ...standbys })
    await first.topology.ready
    await eventually(() => second.said('the standby has ended').length > 0)
    expect(second.topology.standbys).toEqual([])
    await pay(log, 0, 40)
    expectExactlyOnce(log, 40)
    expect(second.topology.state).toBe('running')
  })

  it('waits for a log that is away, and continues', async () => {
    const log = bankLog()
    const first = watched(log, standbys)
    const process = log.process()
    const offsets = process.offsets
    let failures = 0
    process.offsets = (partitions, which) => {
      const isCheck = which === 'stable-end' && partitions.some(({ topic }) => changelogs.includes(topic))
      if (isCheck && failures++ < 2) return Promise.reject(new KafkaError('KAFKA_TIMEOUT', 'the log is away'))
      return offsets(partitions, which)
    }
    const soon: StreamClock = { ...systemClock, after: (ms, ...more) => systemClock.after(Math.min(ms, 10), ...more) }
    const second = watched(log, { slot: 1, process, clock: soon, ...standbys })
    await first.topology.ready
    await eventually(() => second.said('the standby has caught up').length === 2)
    expect(second.said('the standby was interrupted; it continues').length).toBeGreaterThan(0)
    expect(second.topology.state).toBe('running')
  })
})

/** How far the standby of a process has read each changelog, by `keyOf`. */
function followedBy(process: SimulatedProcess): ReadonlyMap<string, number> {
  const positions = new Map<string, number>()
  const openReader = process.openReader.bind(process)
  process.openReader = (options: { lent?: boolean; maxBytes?: number } = {}) => {
    const reader = openReader(options)
    if (options.maxBytes !== defaultLimits.maxStandbyFetchBytes) return reader
    const poll = async () => {
      const fetched = await reader.poll()
      for (const one of fetched) positions.set(keyOf(one), one.position)
      return fetched
    }
    return { ...reader, poll }
  }
  return positions
}

async function totalLag(registry: Registry): Promise<number> {
  const metric = await registry.getSingleMetric('streams_standby_lag_records')?.get()
  const values = metric?.values ?? []
  return values.length === 0 ? Number.POSITIVE_INFINITY : values.reduce((sum, { value }) => sum + value, 0)
}
