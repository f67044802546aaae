/** State on a disk that outlives its process: when it is used, and that its content always equals the log's. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AbortableError, type ReceivedRecord } from '@streampay/kafka'
import type { LocalStore } from '@streampay/local-store'
import { memoryStore } from '@streampay/local-store/memory'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/log/stream-clock.ts'
import type { LogReader } from '../../src/log/stream-log.ts'
import { type StateFormat, stateIn } from '../../src/state/state-options.ts'
import { bankTopology } from '../support/bank.ts'
import { Disk } from '../support/disk.ts'
import {
  bankLog,
  bankPartition,
  closeAll,
  expectExactlyOnce,
  type LogEntry,
  payment,
  quiet,
  run,
  until,
} from '../support/simulated-bank.ts'
import type { SimulatedLog, SimulatedProcess } from '../support/simulated-log.ts'

afterEach(closeAll)

const accounts = 'bank-accounts-changelog'
const positions = 'bank-positions-changelog'
const startsOver = 'kept state cannot continue; it is restored from the beginning'

/** Runs a process on this disk. */
function watched(log: SimulatedLog, disk: Pick<Disk, 'open'>, settings: Parameters<typeof run>[1] = {}) {
  const registry = new Registry()
  const entries: LogEntry[] = []
  const topology = run(log, { ...settings, registry, openState: disk.open, onLog: (entry) => entries.push(entry) })
  const restored = async () => {
    const metric = await registry.getSingleMetric('streams_restored_records_total')?.get()
    return metric?.values[0]?.value ?? 0
  }
  /** By changelog, why the folder on the disk is not used. */
  const doubts = () =>
    Object.assign({}, ...entries.filter(({ msg }) => msg === startsOver).map((one) => one.changelogs))
  return { topology, restored, doubts, entries }
}

/** Payments number `from` up to, not including, `to`, and everything that follows from them. */
async function pay(log: SimulatedLog, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) log.write(payment(i))
  await until(log, quiet(log, to))
}

/** A log and a disk on which a process has worked off 40 payments and was closed. */
async function worked(): Promise<{ log: SimulatedLog; disk: Disk }> {
  const log = bankLog()
  const disk = new Disk()
  const { topology } = watched(log, disk)
  await topology.ready
  await pay(log, 0, 40)
  await topology.close()
  return { log, disk }
}

function changelogRecords(log: SimulatedLog): number {
  return log.committed(accounts).length + log.committed(positions).length
}

const annAt = { topic: accounts, partition: bankPartition('ann') }
const annKey = `${accounts}/${annAt.partition}`

/** The last record of a partition that readers see. */
function lastOf(log: SimulatedLog, at: { topic: string; partition: number }): ReceivedRecord {
  const last = log.committed(at.topic).findLast(({ partition }) => partition === at.partition)
  if (last === undefined) throw new Error(`nothing in ${at.topic}/${at.partition}`)
  return last
}

describe('state on the disk', () => {
  it('is used at the next start, which reads nothing again', async () => {
    const { log, disk } = await worked()
    const second = watched(log, disk)
    await second.topology.ready
    expect([await second.restored(), second.doubts()]).toEqual([0, {}])
    await pay(log, 40, 80)
    expectExactlyOnce(log, 80)
  })

  it('may be of an older time: what came since is read', async () => {
    const { log, disk } = await worked()
    const backup = disk.image
    const before = changelogRecords(log)
    const second = watched(log, disk)
    await second.topology.ready
    await pay(log, 40, 80)
    await second.topology.close()
    const third = watched(log, new Disk(backup))
    await third.topology.ready
    expect([await third.restored(), third.doubts()]).toEqual([changelogRecords(log) - before, {}])
    await pay(log, 80, 120)
    expectExactlyOnce(log, 120)
  })

  it('may be lost at any time', async () => {
    const { log } = await worked()
    const second = watched(log, new Disk())
    await second.topology.ready
    expect([await second.restored(), second.doubts()]).toEqual([changelogRecords(log), {}])
  })

  it('lacks what a killed process had not written yet, and reads it', async () => {
    const log = bankLog()
    const disk = new Disk()
    const process = log.process()
    const never = { flushEveryMs: 10_000_000, maxUnflushedEntries: 1_000_000 }
    const first = watched(log, disk, { process, limits: never })
    await first.topology.ready
    await pay(log, 0, 40)
    process.kill().catch(() => undefined)
    const second = watched(log, disk)
    await second.topology.ready
    expect(await second.restored()).toBe(changelogRecords(log))
    await pay(log, 40, 80)
    expectExactlyOnce(log, 80)
  })

  it('is at every moment what the log says up to the positions beside it, with any aborts', async () => {
    const log = bankLog()
    const disk = new Disk()
    let writes = 0
    disk.onWrite = (store) => {
      writes++
      for (const task of [0, 1, 2, 3]) expectToBeOfLog(store, log, task)
    }
    let steps = 0
    const before = () => {
      if (++steps % 7 === 0) throw new AbortableError('by chance')
    }
    const limits = { flushEveryMs: 1, maxBatchRecords: 3 }
    const { topology } = watched(log, disk, { hooks: { before }, limits })
    await pay(log, 0, 80)
    await topology.close()
    const second = watched(log, disk, { limits })
    await pay(log, 80, 100)
    await second.topology.close()
    expect(writes).toBeGreaterThan(20)
    expectExactlyOnce(log, 100)
  })
})

describe('state on the disk starts over', () => {
  async function doubted(log: SimulatedLog, disk: Disk, settings: Parameters<typeof run>[1] = {}) {
    const second = watched(log, disk, settings)
    await second.topology.ready
    return second.doubts()
  }

  it('if the log has another last record', async () => {
    const { log, disk } = await worked()
    const { offset } = lastOf(log, annAt)
    const entry = log.stored.partition(annAt).entries[offset]!
    const record: ReceivedRecord = { ...entry.record!, value: Buffer.from('{"balance":7,"version":1}') }
    log.stored.partition(annAt).entries[offset] = { ...entry, record }
    expect(await doubted(log, disk)).toEqual({ [annKey]: `the log has another record at ${offset}` })
  })

  it('if the log has lost its end', async () => {
    const { log, disk } = await worked()
    const partition = log.stored.partition(annAt)
    partition.entries.length -= 4
    partition.stableEnd = partition.end
    expect(Object.values(await doubted(log, disk))).toEqual([
      `the log ends at ${partition.end}, before ${partition.end + 3}`,
    ])
  })

  it('if its last record was compacted away', async () => {
    const { log, disk } = await worked()
    const { offset } = lastOf(log, annAt)
    log.stored.partition(annAt).entries[offset]!.compacted = true
    log.write({ ...annAt, key: 'zoe', value: '{"balance":1,"version":0}' })
    expect(await doubted(log, disk)).toEqual({ [annKey]: `the record at ${offset} is not on the log any more` })
  })

  it('if the log begins behind its last record', async () => {
    const { log, disk } = await worked()
    const { offset } = lastOf(log, annAt)
    log.cutOff(annAt, offset + 1)
    const doubt = `the log begins at ${offset + 1}, behind the record at ${offset}`
    expect(await doubted(log, disk)).toEqual({ [annKey]: doubt })
  })

  it('if its topic was created again, even with the same records', async () => {
    const { log, disk } = await worked()
    const before = log.stored.partitionsOf(accounts).map(({ entries }) => entries)
    log.stored.makeAnew(accounts)
    for (const [partition, entries] of before.entries()) {
      for (const entry of entries) log.stored.partition({ topic: accounts, partition }).push(entry)
    }
    const doubts = Object.values(await doubted(log, disk))
    expect(new Set(doubts)).toEqual(new Set(['its topic was created again']))
  })

  // A tombstone is compacted away a day after it came: a process that was not there would keep the key.
  it('if it may lack a deletion', async () => {
    const { log, disk } = await worked()
    const clock = { ...systemClock, now: () => systemClock.now() + 7 * 3_600_000 }
    const doubts = Object.values(await doubted(log, disk, { clock }))
    expect(new Set(doubts)).toEqual(new Set(['tombstones may have been written and removed since it was complete']))
  })

  it('so that no key stays that was deleted while no process ran, and whose tombstone was compacted away', async () => {
    const { log, disk } = await worked()
    log.write({ ...annAt, key: 'zoe', value: '{"balance":1,"version":0}' })
    const second = watched(log, disk)
    await second.topology.ready
    await second.topology.close()
    // The last record has another key, so the log agrees with the state.
    log.compactAway(annAt, 'ann')
    const clock = { ...systemClock, now: () => systemClock.now() + 7 * 3_600_000 }
    await doubted(log, disk, { clock })
    const kept = memoryStore(disk.image).table(`store/${annAt.partition}/accounts`)
    expect([kept.get(Buffer.from('ann')), kept.get(Buffer.from('zoe'))?.length]).toEqual([undefined, 25])
  })

  it('if the clock was set so far back that its age is unknown', async () => {
    const { log, disk } = await worked()
    const clock = { ...systemClock, now: () => systemClock.now() - 7 * 3_600_000 }
    const doubts = Object.values(await doubted(log, disk, { clock }))
    expect(new Set(doubts)).toEqual(new Set(['tombstones may have been written and removed since it was complete']))
  })
})

describe('global tables on the disk', () => {
  const owners = 'owners'

  /** Where reading of the topic of the table began. */
  function startsOf(process: SimulatedProcess): number[] {
    const starts: number[] = []
    const openReader = process.openReader.bind(process)
    process.openReader = (options = {}) => {
      const reader: LogReader = openReader(options)
      const assign: LogReader['assign'] = (list) => {
        const ofTable = list.filter(({ topic }) => topic === owners)
        // A reader of the sources has other topics too.
        if (ofTable.length === list.length) starts.push(...ofTable.map(({ offset }) => offset))
        reader.assign(list)
      }
      return { ...reader, assign }
    }
    return starts
  }

  async function withOwners() {
    const log = bankLog()
    const disk = new Disk()
    for (const name of ['ann', 'bob', 'cid', 'dot']) log.write({ topic: owners, key: name, value: `"${name}"` })
    const first = watched(log, disk)
    await first.topology.ready
    await first.topology.close()
    const ends = [0, 1, 2, 3].map((partition) => log.end({ topic: owners, partition }))
    return { log, disk, ends }
  }

  async function restarted(log: SimulatedLog, disk: Disk, settings: Parameters<typeof run>[1] = {}) {
    const process = log.process()
    const starts = startsOf(process)
    const { topology, entries } = watched(log, disk, { ...settings, process })
    await topology.ready
    const doubt = entries.find(
      ({ msg }) => msg === 'kept tables cannot continue; they are read from the beginning',
    )?.doubt
    return { starts, doubt }
  }

  it('are read from their last position on', async () => {
    const { log, disk, ends } = await withOwners()
    const { starts, doubt } = await restarted(log, disk)
    // Before that, the last record of each partition was compared.
    expect([starts.slice(-4), doubt]).toEqual([ends, undefined])
    log.write({ topic: 'commands', key: 'ann', value: '{"to":"dot","amount":1}', headers: { check: 'it' } })
    await until(log, quiet(log, 1))
    expect(log.committed('replies').map(({ value }) => value?.toString())).toEqual(['paid'])
  })

  it('start over if they were made by other rules', async () => {
    const { log, disk } = await withOwners()
    const bank = bankTopology()
    const topology = { ...bank, tables: bank.tables.map((table) => ({ ...table, version: 2 })) }
    const { starts, doubt } = await restarted(log, disk, { topology })
    expect([starts.slice(-4), doubt]).toEqual([[0, 0, 0, 0], 'they were made by another definition'])
  })

  it('start over if their topic was made again', async () => {
    const { log, disk } = await withOwners()
    log.stored.makeAnew(owners)
    const { doubt } = await restarted(log, disk)
    expect(doubt).toBe('the topic was created again')
  })

  it('start over if they may lack a deletion', async () => {
    const { log, disk } = await withOwners()
    const clock = { ...systemClock, now: () => systemClock.now() + 7 * 3_600_000 }
    const { doubt } = await restarted(log, disk, { clock })
    expect(doubt).toBe('tombstones may have been written and removed since they were complete')
  })
})

describe('a disk that fails', () => {
  it('ends the process with an error of its own, and the next one continues', async () => {
    const log = bankLog()
    const disk = new Disk()
    const first = watched(log, disk, { limits: { flushEveryMs: 1 } })
    await first.topology.ready
    await pay(log, 0, 8)
    disk.beforeWrite = () => {
      throw new Error('ENOSPC: no space left on device')
    }
    for (let i = 8; i < 16; i++) log.write(payment(i))
    const message = 'The local state could not be written: ENOSPC: no space left on device'
    await expect(first.topology.done).rejects.toMatchObject({ code: 'STREAMS_STATE_FAILED', message })
    disk.beforeWrite = () => undefined
    watched(log, disk)
    await pay(log, 16, 40)
    expectExactlyOnce(log, 40)
  })

  it('that gives back other bytes ends the process too, and is not used again', async () => {
    const log = bankLog()
    const folder = await mkdtemp(join(tmpdir(), 'streams-state-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const opening = stateIn({ folder, maxBytes: 2 ** 26 })
    // A process that has failed gives its folder back a moment later.
    const disk = { open: (format: StateFormat) => vi.waitFor(() => opening(format)) }
    const first = watched(log, disk)
    await first.topology.ready
    await pay(log, 0, 40)
    await first.topology.close()
    const data = join(folder, 'data.mdb')
    const sound = String(log.committed(accounts).findLast(({ key }) => String(key) === 'ann')?.value)
    // One bit: another balance, which is still a valid value.
    const at = sound.indexOf(':') + 1
    const other = sound.slice(0, at) + String.fromCharCode(sound.charCodeAt(at) ^ 1) + sound.slice(at + 1)
    const bytes = await readFile(data, 'latin1')
    expect(bytes).toContain(sound)
    await writeFile(data, bytes.replaceAll(sound, other), 'latin1')
    const second = watched(log, disk)
    await second.topology.ready
    log.write({ topic: 'commands', key: 'ann', value: '{"to":"dot","amount":1}' })
    await expect(second.topology.done).rejects.toMatchObject({ code: 'STREAMS_STATE_FAILED' })
    const third = watched(log, disk)
    await third.topology.ready
    await until(log, quiet(log, 41))
    expectExactlyOnce(log, 41)
    await third.topology.close()
  })
})

type Note = { readonly changelogs: Readonly<Record<string, { readonly position: number }>> }

/** The accounts of a task on the disk are the fold of their changelog up to the position that is noted beside them. */
function expectToBeOfLog(store: LocalStore, log: SimulatedLog, task: number): void {
  const note = store.table('notes').get(Buffer.from(`task/${task}`))
  if (note === undefined) return
  const { changelogs } = JSON.parse(note.toString()) as Note
  const position = changelogs[accounts]?.position ?? 0
  const fold = new Map<string, string>()
  for (const { partition, offset, key, value } of log.committed(accounts)) {
    if (partition === task && offset < position) fold.set(String(key), String(value))
  }
  const kept = [...store.table(`store/${task}/accounts`).range()].map(({ key, value }) => {
    return [String(key), String(value)]
  })
  expect(new Map(kept as [string, string][])).toEqual(fold)
}
