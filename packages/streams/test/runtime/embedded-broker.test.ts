import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, type MarkerStep, startBroker } from '@streampay/broker'
import { AbortableError } from '@streampay/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommitStep } from '../../src/index.ts'
import { exactlyOnceCases } from '../cases/exactly-once.ts'
import { Bank } from '../support/bank-on-log.ts'

let dataDir = ''
let broker: Broker
/** Set by a test to delay a marker. */
let beforeMarker: (step: MarkerStep) => Promise<void> = async () => undefined

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'streams-'))
  broker = await startBroker({ dataDir, port: 0, beforeMarker: (step) => beforeMarker(step) })
})

afterAll(async () => {
  await broker.close()
  await rm(dataDir, { recursive: true, force: true })
})

const brokers = () => [`${broker.host}:${broker.port}`]

describe('on the embedded broker', () => {
  exactlyOnceCases(brokers)

  it('continues, or starts again, when the log went away in the middle of the work', async () => {
    const bank = await Bank.open(brokers())
    try {
      // As the launcher does: a process that ended is started again.
      const keepRunning = () => {
        bank.run().done.catch(keepRunning)
      }
      keepRunning()
      await bank.pay(0, 20)
      await bank.replies(5)
      const { port } = broker
      await broker.close()
      broker = await startBroker({ dataDir, port, beforeMarker: (step) => beforeMarker(step) })
      await bank.pay(20, 40)
      await bank.expectExactlyOnce(40)
    } finally {
      await bank.close()
    }
  }, 40_000)

  /**
   * KAFKA-10167 with the broker's own markers. EndTxn is answered before they are all written; then a rebalance moves the tasks of a member
   * that is alive, so that no process waits for its transactional id. The offsets are committed, the debit's marker is late: the new owner
   * of Ann's task must wait for it.
   */
  it('waits for a commit marker that only the changelog lacks, so that no debit is lost', async () => {
    const bank = await Bank.open(brokers())
    const gate = Promise.withResolvers<void>()
    beforeMarker = async ({ topic, partition }) => {
      if (`${topic}/${partition}` === bank.changelogOf('ann')) await gate.promise
    }
    try {
      const committed = Promise.withResolvers<void>()
      let moved = false
      const before = (step: CommitStep) => {
        if (step === 'committed') committed.resolve()
        // The credit would be the next transaction, which has to wait for the markers of the first, and the rebalance for it.
        if (step === 'produce' && !moved && commits++ > 0) throw new AbortableError('not before the rebalance')
      }
      let commits = 0
      const first = bank.run({ slot: 0, hooks: { before } })
      await first.ready
      await bank.order({ from: 'ann', to: 'bob', amount: 80 })
      await committed.promise
      const waiting = bank.logged(({ msg, behind = {} }) => msg === 'restoring' && bank.changelogOf('ann') in behind)
      const second = bank.run({ slot: 1 })
      await bank.order({ from: 'ann', to: 'cid', amount: 80 })
      expect(Object.keys((await waiting).behind ?? {})).toEqual([bank.changelogOf('ann')])
      expect(await bank.replies(1)).toHaveLength(1)
      moved = true
      gate.resolve()
      await second.ready
      const replies = await bank.replies(2)
      expect(replies.map((reply) => reply.value?.toString())).toEqual(['paid', 'insufficient funds: 20'])
    } finally {
      gate.resolve()
      await bank.close()
      beforeMarker = async () => undefined
    }
  })
})
