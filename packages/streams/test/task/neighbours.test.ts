import { describe, expect, it } from 'vitest'
import type { NeighbourContext, ProcessorContext, Topology } from '../../src/index.ts'
import { openTestDriver, type TestDriver } from '../../src/testing/test-driver.ts'
import { json, text } from '../support/bank.ts'

const told = { topic: 'told', value: text }
const letters = { topic: 'dead-letters', value: text }
type Transfer = { readonly to: string; readonly amount: number; readonly then?: 'throw' | 'wait' }

/** Adds up at the account itself, in any task; accounts that can't be reached are reported. */
function topology(changes: Partial<Topology> = {}): Topology {
  return {
    applicationId: 'near',
    sources: [
      { topic: 'people', priority: 0, onError: 'stop', process: () => undefined },
      {
        topic: 'transfers',
        priority: 1,
        onError: 'dead-letter',
        process: (record, context) => {
          const { to, amount, then } = json<Transfer>().decode(record.value ?? Buffer.alloc(0))
          add(context, record.key?.toString() ?? '', -amount)
          const neighbour = context.taskOf(to)
          if (neighbour === undefined) context.send(told, { key: to, value: String(amount) })
          else add(neighbour, to, amount)
          if (then === 'throw') throw new Error('no')
          if (then === 'wait' && context.waited === undefined) return { waitFor: 'people', timeoutMs: 1_000 }
          return undefined
        },
        onDeadLetter: (record, context) => {
          const { to } = json<Transfer>().decode(record.value ?? Buffer.alloc(0))
          const neighbour = context.taskOf(to)
          neighbour?.send(told, { key: to, value: 'refused' })
          if (to === 'gus') throw new Error('unanswered')
        },
      },
    ],
    stores: [{ name: 'sums', value: json<number>() }],
    tables: [{ name: 'people', topic: 'people', value: text }],
    sinks: [told, letters],
    deadLetterTopic: 'dead-letters',
    ...changes,
  }
}

function add(context: NeighbourContext, account: string, amount: number): void {
  const sums = context.store<number>('sums')
  sums.set(account, (sums.get(account) ?? 0) + amount)
}

const open = (together = true, changes: Partial<Topology> = {}) =>
  openTestDriver(topology(changes), { partitionCount: 4, together })
const transfer = (from: string, to: string, amount: number, then?: Transfer['then']) => ({
  topic: 'transfers',
  key: from,
  value: { to, amount, ...(then && { then }) },
})
const sumOf = (driver: TestDriver, name: string) => driver.store<number>('sums', driver.taskOf(name)).get(name)
const placesIn = (written: readonly { topic: string; partition: number; key: string | null }[]) =>
  written.map(({ topic, partition, key }) => `${topic.replace('near-', '')} ${partition} ${key}`)

/** They belong to different tasks of four. */
const [ann, eve, gus] = ['ann', 'eve', 'gus']

describe('the task of another key', () => {
  it('is written to in the same transaction, with an offset of its own in it, at the time of the record', () => {
    const driver = open()
    const [anns, eves] = [driver.taskOf(ann), driver.taskOf(eve)]
    expect(anns).not.toBe(eves)
    const written = driver.pipe({ ...transfer(ann, eve, 30), timestamp: 1_234 })
    expect(placesIn(written).sort()).toEqual(
      [
        `sums-changelog ${anns} ann`,
        `sums-changelog ${eves} eve`,
        `positions-changelog ${anns} transfers`,
        // A process that takes over Eve's task waits for a transaction with an offset of it.
        `positions-changelog ${eves} people`,
      ].sort(),
    )
    expect(written.find(({ key }) => key === eve)?.timestamp).toBe(1_234)
    expect([sumOf(driver, ann), sumOf(driver, eve)]).toEqual([-30, 30])
    driver.restart()
    expect([sumOf(driver, ann), sumOf(driver, eve)]).toEqual([-30, 30])
  })

  it('is not available in another process, and is the same task for a key of its own', () => {
    const apart = open(false)
    apart.pipe([transfer(ann, eve, 30), transfer(ann, ann, 5)])
    expect([sumOf(apart, ann), sumOf(apart, eve)]).toEqual([-30, undefined])
    expect(apart.records('told').map(({ key, value }) => `${key} ${value}`)).toEqual(['eve 30'])
  })

  it('gives the next record of either task its present state', () => {
    const driver = open()
    driver.pipe([transfer(ann, eve, 1), transfer(eve, ann, 2), transfer(gus, eve, 4), transfer(eve, gus, 8)])
    expect([ann, eve, gus].map((name) => sumOf(driver, name))).toEqual([1, -5, 4])
  })

  it('is undone with a record that becomes a dead letter, which may still be answered there', () => {
    const driver = open()
    const written = driver.pipe([
      transfer(ann, eve, 1),
      transfer(ann, eve, 2, 'throw'),
      transfer(ann, gus, 4, 'throw'),
      transfer(gus, eve, 8),
    ])
    expect([ann, eve, gus].map((name) => sumOf(driver, name))).toEqual([-1, 9, -8])
    expect(driver.records('told').map(({ key, value }) => `${key} ${value}`)).toEqual(['eve refused'])
    const kept = written.filter(({ topic }) => topic === 'dead-letters').map(({ headers }) => headers.unanswered)
    expect(kept).toEqual([undefined, 'unanswered'])
  })

  it('is undone with a record that waits', () => {
    const driver = open()
    driver.holdTable('people')
    expect(driver.pipe(transfer(ann, eve, 1, 'wait'))).toEqual([])
    driver.pipe(transfer(eve, gus, 2))
    expect(sumOf(driver, eve)).toBe(-2)
    driver.releaseTable('people')
    expect([ann, eve, gus].map((name) => sumOf(driver, name))).toEqual([-1, -1, 2])
  })

  it('is undone with the transaction, and written once when it runs again', () => {
    const driver = open()
    driver.pipe(transfer(ann, eve, 1))
    expect(driver.pipe([transfer(ann, eve, 2), transfer(eve, ann, 4)], { abort: true })).toEqual([])
    expect([sumOf(driver, ann), sumOf(driver, eve)]).toEqual([-1, 1])
    driver.settle()
    expect([sumOf(driver, ann), sumOf(driver, eve)]).toEqual([1, -1])
  })

  it('cannot be kept, nor reached when no record is processed', () => {
    let kept: ProcessorContext | undefined
    let near: NeighbourContext | undefined
    const process: Topology['sources'][number]['process'] = (_, context) => {
      kept = context
      near = context.taskOf(eve)
      return undefined
    }
    const sources: Topology['sources'] = [{ topic: 'transfers', priority: 0, onError: 'stop', process }]
    let atEnd: unknown
    const endOfBatch: Topology['endOfBatch'] = () => {
      try {
        kept?.taskOf(eve)
      } catch (error) {
        atEnd = error
      }
    }
    const driver = open(true, { sources, tables: [], endOfBatch })
    driver.pipe(transfer(ann, eve, 1))
    expect(String(atEnd)).toContain('Another task can be reached by a processor alone, while it runs.')
    expect(() => kept?.taskOf(eve)).toThrow('Another task can be reached by a processor alone, while it runs.')
    expect(() => near?.store('sums').set(eve, 1)).toThrow('came after its processor had returned')
    expect(() => near?.send(told, { key: eve, value: '' })).toThrow('came after its processor had returned')
  })
})
