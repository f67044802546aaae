/**
 * One store in a process of its own: `local-store-main.ts <store> <folder> <job> <keys> <batches> <mixes>`. Jobs: `fill` puts
 * the keys in random order, does the batches of mixes, tells both, and goes on until it is killed; `check` opens the store and
 * tells how long that took and whether it holds a whole number of batches.
 */
import { memoryOf } from '../harness/proc.ts'
import { type Change, openStore, type RivalStore, type StoreName } from '../rivals/local-stores.ts'

const [name, folder = '', job, keysText, batchesText, mixesText] = process.argv.slice(2)
const [keys, batches, mixes] = [Number(keysText), Number(batchesText), Number(mixesText)]
const recordsOfFilling = 5_000
/** Of what is inserted, this many batches are kept: then it expires. */
const keptBatches = 50
const hotKeys = 10_000
const last = Buffer.from('last')

const openedAt = performance.now()
const store = await openStore(name as StoreName, folder)
store.get('cold', coldKey(1))
const openMs = performance.now() - openedAt

if (job === 'check') tell({ type: 'checked', openMs, ...(await check(store)) })
else await fillAndMix(store)

async function fillAndMix(store: RivalStore): Promise<void> {
  const filling = stretch()
  for (let at = 0; at < keys; at += recordsOfFilling) {
    const changes: Change[] = []
    for (let key = at; key < Math.min(keys, at + recordsOfFilling); key++) {
      changes.push({ table: 'cold', key: coldKey(key), value: valueFor(key) })
    }
    await store.write(changes)
  }
  const filled = filling.end()
  const figures: Record<string, number> = {
    fillPerSecond: keys / filled.seconds,
    fillCpuMicros: (filled.cpuMs * 1000) / keys,
  }
  // The first batches make the scan by time what it is later.
  for (let batch = 1; batch <= keptBatches; batch++) await mix(store, batch)
  const times: number[] = []
  const mixing = stretch()
  for (let batch = keptBatches + 1; batch <= keptBatches + batches; batch++) {
    const startedAt = performance.now()
    await mix(store, batch)
    times.push(performance.now() - startedAt)
  }
  const mixed = mixing.end()
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const memory = memoryOf(process.pid)
  tell({
    type: 'mixed',
    figures: {
      ...figures,
      mixesPerSecond: (batches * mixes) / mixed.seconds,
      mixCpuMicros: (mixed.cpuMs * 1000) / (batches * mixes),
      batchP50Ms: at(0.5),
      batchP99Ms: at(0.99),
      diskMb: store.bytes() / 2 ** 20,
      anonymousMb: memory?.anonymousMb ?? 0,
      residentMb: process.memoryUsage.rss() / 2 ** 20,
    },
  })
  for (let batch = keptBatches + batches + 1; ; batch++) {
    await mix(store, batch)
    // So that the message above leaves this process.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A mix: a hot key is read and written twice, a cold one inserted, and one that is not there is looked up. */
async function mix(store: RivalStore, batch: number): Promise<void> {
  const changes: Change[] = [{ table: 'hot', key: last, value: Buffer.from(String(batch)) }]
  for (let at = 0; at < mixes; at++) {
    const index = keys + batch * mixes + at
    const hot = Buffer.from(`account-${(Math.imul(index, 2_654_435_761) >>> 0) % hotKeys}`)
    store.get('hot', hot)
    changes.push(
      { table: 'hot', key: hot, value: valueFor(index) },
      { table: 'hot', key: hot, value: valueFor(index + 1) },
    )
    const cold = coldKey(index)
    if (store.get('cold', cold) !== undefined) throw new Error(`key ${index} is there before it is written`)
    changes.push(
      { table: 'cold', key: cold, value: valueFor(index) },
      { table: 'times', key: timeKey(index), value: cold },
    )
  }
  // What is oldest has expired.
  for (const key of await store.first('times', mixes)) {
    const index = key.readUIntBE(0, 6)
    if (index >= keys + (batch - keptBatches + 1) * mixes) break
    changes.push({ table: 'times', key }, { table: 'cold', key: coldKey(index) })
  }
  await store.write(changes)
}

async function check(store: RivalStore): Promise<{ isWhole: boolean; batch: number }> {
  const batch = Number(Buffer.from(store.get('hot', last) ?? []).toString())
  let isWhole = batch > keptBatches
  for (let at = -(keptBatches - 1) * mixes; at < 2 * mixes; at++) {
    const index = keys + batch * mixes + at
    const value = store.get('cold', coldKey(index))
    const isWanted = at < mixes
    if ((value !== undefined) !== isWanted) isWhole = false
    if (isWanted && value !== undefined && !valueFor(index).equals(value)) isWhole = false
  }
  const times = await store.first('times', 2 * keptBatches * mixes)
  if (times.length !== keptBatches * mixes) isWhole = false
  return { isWhole, batch }
}

function stretch() {
  const [cpu, startedAt] = [process.cpuUsage(), performance.now()]
  return {
    end() {
      const { user, system } = process.cpuUsage(cpu)
      return { cpuMs: (user + system) / 1000, seconds: (performance.now() - startedAt) / 1000 }
    },
  }
}

/** 24 bytes in no order, different for each number. */
function coldKey(index: number): Buffer {
  const key = Buffer.allocUnsafe(24)
  // A bijection of 32 bits, mixed so that neighbours are far apart.
  let hash = Math.imul(index ^ (index >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  hash ^= hash >>> 16
  for (let at = 0; at < 20; at += 4) key.writeInt32LE(Math.imul(hash, 2 * at + 1) ^ at, at)
  return key.fill(0, 20).fill(index & 0xff, 20)
}

function timeKey(index: number): Buffer {
  const key = Buffer.alloc(6)
  key.writeUIntBE(index, 0, 6)
  return key
}

/** 60 to 150 bytes that don't compress to nothing. */
function valueFor(index: number): Buffer {
  const value = Buffer.allocUnsafe(60 + (index % 91))
  for (let at = 0; at + 4 <= value.length; at += 4) value.writeInt32LE(Math.imul(index + at, 2_654_435_761), at)
  return value.fill(7, value.length & ~3)
}

function tell(message: object): void {
  process.send?.(message)
}
