import { AbortableError } from '@streampay/kafka'
import { afterEach, describe, expect, it } from 'vitest'
import type { CommitStep } from '../../src/index.ts'
import {
  bankLog,
  bankPartition,
  closeAll,
  expectExactlyOnce,
  names,
  payment,
  quiet,
  run,
  until,
} from '../support/simulated-bank.ts'
import type { SimulatedLog } from '../support/simulated-log.ts'

afterEach(closeAll)

/** Records of owners are only read, and have no effect. */
const owner = (name: string) => ({ topic: 'owners', key: name, value: `"${name}"` })
const ownersRead = (log: SimulatedLog) =>
  [0, 1, 2, 3].reduce(
    (sum, partition) => sum + (log.committedOffset('bank', { topic: 'owners', partition })?.offset ?? 0),
    0,
  )
const counting = () => {
  const counted = { transactions: 0 }
  const before = (step: CommitStep) => {
    if (step === 'produce') counted.transactions += 1
  }
  return { counted, hooks: { before } }
}

describe('records without an effect', () => {
  it('share one transaction for their offsets, after the time that is set', async () => {
    const log = bankLog()
    const { counted, hooks } = counting()
    const bank = run(log, { hooks, limits: { maxOffsetLagMs: 100 } })
    await bank.ready
    for (const name of names) {
      log.write(owner(name))
      await new Promise(setImmediate)
    }
    await until(log, () => ownersRead(log) === names.length)
    expect(counted.transactions).toBe(1)
    log.write(owner('ann'))
    await until(log, () => ownersRead(log) === names.length + 1)
    expect(counted.transactions).toBe(2)
  })

  it('leave their offsets out of transactions that there are for another reason, and are read again after a restart', async () => {
    const log = bankLog()
    const bank = run(log, { limits: { maxOffsetLagMs: 3_600_000 } })
    await bank.ready
    log.write(owner('ann'))
    for (let i = 0; i < 8; i++) log.write(payment(i))
    await until(log, quiet(log, 8))
    expect(ownersRead(log)).toBe(0)
    await bank.close()

    run(log, { limits: { maxOffsetLagMs: 50 } })
    for (let i = 8; i < 16; i++) log.write(payment(i))
    await until(log, quiet(log, 16))
    await until(log, () => ownersRead(log) === 1)
    expectExactlyOnce(log, 16)
  })

  it('are not read again when a later transaction aborts, and are committed with it in the end', async () => {
    const log = bankLog()
    let aborts = 3
    const before = (step: CommitStep) => {
      if (step === 'commit' && aborts-- > 0) throw new AbortableError('the log asks for an abort')
    }
    const bank = run(log, { hooks: { before }, limits: { maxOffsetLagMs: 50 } })
    await bank.ready
    log.write(owner('ann'))
    log.write(payment(0))
    await until(log, quiet(log, 1))
    await until(log, () => ownersRead(log) === 1)
    const partition = bankPartition('ann')
    const positions = log.committed('bank-positions-changelog').filter((record) => record.partition === partition)
    expect(positions.filter(({ key }) => key?.toString() === 'owners')).toHaveLength(1)
    expectExactlyOnce(log, 1)
  })
})
