/** Membership of consumer groups. */
import { EventEmitter, once } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Membership } from '../../src/group/membership.ts'
import {
  type Cluster,
  FencedError,
  type Group,
  type GroupOptions,
  openGroup,
  type TopicPartition,
} from '../../src/index.ts'
import { clientsOf, uniqueName } from '../support/clients.ts'
import type { LogUnderTest } from '../support/log-under-test.ts'
import { muteConnections } from '../support/sockets.ts'

type Observed = { readonly group: Group; readonly events: string[]; until(event: string): Promise<void> }

/** A member whose callbacks are noted as `assigned 0,1`, `revoked 0,1` and `lost 0,1`, by partition numbers. */
function join(cluster: Cluster, options: Pick<GroupOptions, 'groupId' | 'topics'> & Partial<GroupOptions>): Observed {
  const events: string[] = []
  const emitter = new EventEmitter()
  const tell = (what: string) => (partitions: readonly TopicPartition[]) => {
    events.push(`${what} ${numbersOf(partitions).join(',')}`.trim())
    emitter.emit('event')
  }
  const group = openGroup(cluster, {
    heartbeatIntervalMs: 100,
    onAssigned: tell('assigned'),
    onRevoked: tell('revoked'),
    onLost: tell('lost'),
    ...options,
  })
  onTestFinished(() => group.close())
  const until = async (event: string) => {
    while (!events.includes(event)) await once(emitter, 'event', { signal: AbortSignal.timeout(15_000) })
  }
  return { group, events, until }
}

function numbersOf(partitions: readonly TopicPartition[]): number[] {
  return [...new Set(partitions.map(({ partition }) => partition))].sort((a, b) => a - b)
}

export function groupCases(theLog: () => LogUnderTest): void {
  describe('a group', () => {
    it('shares the partitions of all topics between two members, and takes them back from one that leaves', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const topics = await Promise.all([topic(4), topic(4)])
      const groupId = uniqueName('shared')
      const first = join(cluster, { groupId, topics })
      await first.until('assigned 0,1,2,3')
      const second = join(cluster, { groupId, topics })
      await Promise.all([first.until('assigned 0,1'), second.until('assigned 2,3')])
      expect(first.events).toEqual(['assigned 0,1,2,3', 'revoked 0,1,2,3', 'assigned 0,1'])
      for (const { group } of [first, second]) {
        for (const { partition } of group.assignment()) {
          expect(group.assignment().filter((one) => one.partition === partition)).toHaveLength(topics.length)
        }
      }
      expect(first.group.metadata().generationId).toBe(second.group.metadata().generationId)
      await first.group.close({ leave: true })
      await second.until('assigned 0,1,2,3')
    })

    // The refusal was an unhandled rejection, which ended the process, since nothing awaited the heartbeats yet.
    it('tells of a refusal that came while the caller was still told of its partitions', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const unhandled: unknown[] = []
      const note = (reason: unknown) => unhandled.push(reason)
      process.on('unhandledRejection', note)
      onTestFinished(() => {
        process.off('unhandledRejection', note)
      })
      const told = Promise.withResolvers<void>()
      const begun = Promise.withResolvers<void>()
      const options = { groupId: uniqueName('slow'), topics: [await topic(1)], instanceId: 'slot-0' }
      const onAssigned = () => {
        begun.resolve()
        return told.promise
      }
      const first = join(cluster, { ...options, heartbeatIntervalMs: 20, onAssigned })
      await begun.promise
      const other = clientsOf(theLog())
      const asked = vi.spyOn(Membership.prototype, 'heartbeat')
      const second = join(other.cluster, options)
      await second.until('assigned 0')
      await vi.waitFor(async () => {
        const answers = await Promise.allSettled(asked.mock.results.map(({ value }) => value))
        expect(answers.some(({ status }) => status === 'rejected')).toBe(true)
      })
      asked.mockRestore()
      await new Promise((resolve) => setImmediate(resolve))
      told.resolve()
      await expect(first.group.done).rejects.toBeInstanceOf(FencedError)
      expect(first.events).toEqual(['lost 0'])
      expect(unhandled).toEqual([])
    })

    it('gives a static member that is restarted its partitions at once', async () => {
      const { cluster, topic, admin } = clientsOf(theLog())
      const name = await topic(2)
      const groupId = uniqueName('static')
      const options = { groupId, topics: [name], instanceId: 'slot-0', sessionTimeoutMs: 30_000 }
      const first = join(cluster, options)
      await first.until('assigned 0,1')
      await first.group.close()
      expect(await admin.describeGroups([groupId])).toMatchObject([{ state: 'Stable', members: [{}] }])
      const began = performance.now()
      const second = join(cluster, options)
      await second.until('assigned 0,1')
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(second.group.metadata().memberId).not.toBe(first.group.metadata().memberId)
    })

    // Heartbeats waited on the dead connection for as long as a join may take: the session had ended long before.
    it('keeps its place when its connections are dead without an error', async () => {
      const log = theLog()
      const { cluster, topic } = clientsOf(log)
      const name = await topic(3)
      const options = { groupId: uniqueName('mute'), topics: [name], sessionTimeoutMs: 6_000 }
      const first = join(cluster, options)
      await first.until('assigned 0,1,2')
      const second = join(cluster, options)
      await Promise.all([first.until('assigned 0,1'), second.until('assigned 2')])
      expect(muteConnections(log.brokers)).toBeGreaterThan(0)
      const third = join(clientsOf(log).cluster, options)
      await Promise.all([first.until('assigned 0'), third.until('assigned 1')])
      expect([...first.events, ...second.events].filter((event) => event.startsWith('lost'))).toEqual([])
    })

    it('commits offsets in the name of a member, and refuses those of a generation that is over', async () => {
      const { cluster, topic, admin } = clientsOf(theLog())
      const name = await topic(2)
      const groupId = uniqueName('claims')
      const first = join(cluster, { groupId, topics: [name] })
      await first.until('assigned 0,1')
      const old = first.group.metadata()
      const offsets = [0, 1].map((partition) => ({ topic: name, partition, offset: 3 + partition, metadata: 'mine' }))
      await admin.commitOffsets(old, offsets)
      expect(await admin.committedOffsets(groupId, offsets)).toEqual(offsets)
      expect(await admin.groupOffsets(groupId)).toEqual(offsets)
      const second = join(cluster, { groupId, topics: [name] })
      await second.until('assigned 1')
      const late = offsets.map((at) => ({ ...at, offset: 7 }))
      await expect(admin.commitOffsets(old, late)).rejects.toMatchObject({ brokerError: 'ILLEGAL_GENERATION' })
      await expect(admin.commitOffsets({ ...old, memberId: 'nobody' }, late)).rejects.toMatchObject({
        brokerError: 'UNKNOWN_MEMBER_ID',
      })
      expect(await admin.committedOffsets(groupId, offsets)).toEqual(offsets)
    })

    it('names what each member is to follow, and asks again when a returning member wants standbys', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(4)
      const options = { groupId: uniqueName('standbys'), topics: [name], sessionTimeoutMs: 30_000 }
      const heard: string[] = []
      const member = (slot: number, standbyReplicas: number) =>
        join(cluster, {
          ...options,
          instanceId: `slot-${slot}`,
          standbyReplicas,
          onAssigned: (partitions, _metadata, followed) => {
            heard.push(`slot ${slot} has ${numbersOf(partitions)} and follows ${followed}`)
          },
        })
      const all = async (...wanted: string[]) => {
        await expect.poll(() => heard, { timeout: 20_000 }).toEqual(expect.arrayContaining(wanted))
      }
      const first = member(0, 0)
      await all('slot 0 has 0,1,2,3 and follows ')
      const second = member(1, 0)
      await all('slot 0 has 0,1 and follows ', 'slot 1 has 2,3 and follows ')
      await first.group.close()
      await second.group.close()
      const [third, fourth] = [member(1, 1), member(0, 0)]
      await all('slot 0 has 0,1 and follows 2,3', 'slot 1 has 2,3 and follows 0,1')
      await third.group.close()
      await fourth.group.close()
      heard.length = 0
      member(0, 0)
      member(1, 0)
      await all('slot 0 has 0,1 and follows ', 'slot 1 has 2,3 and follows ')
    })

    // After an update that reads another topic, each start failed until the session of the version before was over.
    it('asks again when a returning member wants other topics than before', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const [one, other] = [await topic(2), await topic(2)]
      const options = { groupId: uniqueName('topics'), instanceId: 'slot-0', sessionTimeoutMs: 30_000 }
      const heard: string[] = []
      const returning = async (topics: readonly string[]) => {
        heard.length = 0
        const { group } = join(cluster, {
          ...options,
          topics,
          onAssigned: (partitions) => {
            heard.push(partitions.map(({ topic: name, partition }) => `${name} ${partition}`).join())
          },
        })
        await expect.poll(() => heard.length, { timeout: 20_000 }).toBeGreaterThan(0)
        await group.close()
      }
      const placesOf = (...topics: string[]) => topics.flatMap((name) => [`${name} 0`, `${name} 1`]).sort()
      for (const topics of [[one], [one, other], [other]]) {
        await returning(topics)
        expect(heard.map((told) => told.split(',').sort())).toEqual([placesOf(...topics)])
      }
    })

    it('fences a member whose instance id another one took', async () => {
      const { cluster, topic, transactional } = clientsOf(theLog())
      const name = await topic(2)
      const options = { groupId: uniqueName('fenced'), topics: [name], instanceId: 'slot-0' }
      const first = join(cluster, options)
      await first.until('assigned 0,1')
      const stale = first.group.metadata()
      const second = join(cluster, options)
      await second.until('assigned 0,1')
      await expect(first.group.done).rejects.toThrow(FencedError)
      expect(first.events.at(-1)).toBe('lost 0,1')

      const producer = await transactional({ transactionalId: uniqueName('zombie') })
      producer.begin()
      const offsets = [{ topic: name, partition: 0, offset: 1, metadata: '' }]
      await expect(producer.sendOffsets(stale, offsets)).rejects.toThrow(FencedError)
    })

    it('refuses the offsets of a generation that has passed, and accepts those of the present one', async () => {
      const { cluster, topic, transactional, admin } = clientsOf(theLog())
      const name = await topic(2)
      const groupId = uniqueName('generation')
      const first = join(cluster, { groupId, topics: [name] })
      await first.until('assigned 0,1')
      const stale = first.group.metadata()
      const second = join(cluster, { groupId, topics: [name] })
      await second.until('assigned 1')
      const producer = await transactional({ transactionalId: uniqueName('generation') })
      const offsets = [{ topic: name, partition: 1, offset: 5, metadata: 'mine' }]
      producer.begin()
      await expect(producer.sendOffsets(stale, offsets)).rejects.toMatchObject({ code: 'KAFKA_ABORTABLE' })
      await producer.abort()
      producer.begin()
      await producer.sendOffsets(second.group.metadata(), offsets)
      await producer.commit()
      expect(await admin.committedOffsets(groupId, [{ topic: name, partition: 1 }], { requireStable: true })).toEqual(
        offsets,
      )
    })

    it('waits for the work of a member before its partitions go to another', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(2)
      const groupId = uniqueName('revoke')
      const work = Promise.withResolvers<void>()
      const order: string[] = []
      const first = join(cluster, {
        groupId,
        topics: [name],
        heartbeatIntervalMs: 20,
        onRevoked: async () => {
          order.push('asked to finish')
          await work.promise
          order.push('finished')
        },
      })
      await first.until('assigned 0,1')
      const second = join(cluster, {
        groupId,
        topics: [name],
        onAssigned: () => {
          order.push('assigned to the other')
        },
      })
      await expect.poll(() => order.length, { timeout: 20_000 }).toBeGreaterThan(0)
      // The first member alone sends heartbeats meanwhile. The other one has time to get the partitions too early.
      const asked = vi.spyOn(Membership.prototype, 'heartbeat')
      onTestFinished(() => asked.mockRestore())
      await expect.poll(() => asked.mock.calls.length, { timeout: 20_000 }).toBeGreaterThan(5)
      expect(order).toEqual(['asked to finish'])
      work.resolve()
      await expect.poll(() => order.length, { timeout: 20_000 }).toBe(3)
      expect(order).toEqual(['asked to finish', 'finished', 'assigned to the other'])
      await second.group.close()
    })

    // It went on with heartbeats that failed at once, without a wait between them: the event loop stood still, so that the caller's work
    // never ended, and memory grew until the process died.
    it('can be closed while its caller still finishes its work for a rebalance', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const options = { groupId: uniqueName('closed'), topics: [await topic(2)] }
      const begun = Promise.withResolvers<void>()
      const work = Promise.withResolvers<void>()
      const onRevoked = () => {
        begun.resolve()
        return work.promise
      }
      const first = join(cluster, { ...options, heartbeatIntervalMs: 20, onRevoked })
      await first.until('assigned 0,1')
      join(clientsOf(theLog()).cluster, options)
      await begun.promise
      const asked = vi.spyOn(Membership.prototype, 'heartbeat')
      onTestFinished(() => asked.mockRestore())
      // A turn of the event loop for each heartbeat, so that this test ends even if the member's loop does not.
      asked.mockImplementation(() => new Promise((_, reject) => setImmediate(reject, new Error('it is closed'))))
      const { memberId } = first.group.metadata()
      const closed = first.group.close()
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
      work.resolve()
      await closed
      const isFirst = (one: unknown) => one instanceof Membership && one.metadata().memberId === memberId
      expect(asked.mock.contexts.filter(isFirst)).toEqual([])
    })

    it("ends with what one of the caller's functions threw", async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      const member = join(cluster, {
        groupId: uniqueName('throws'),
        topics: [name],
        onAssigned: () => Promise.reject(new Error('the state is broken')),
      })
      await expect(member.group.done).rejects.toThrow('the state is broken')
    })

    it('does not start with topics that have different numbers of partitions', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const topics = await Promise.all([topic(2), topic(3)])
      const member = join(cluster, { groupId: uniqueName('uneven'), topics })
      await expect(member.group.done).rejects.toThrow('must have one number of partitions')
    })
  })
}

export function groupRestartCases(theLog: () => LogUnderTest): void {
  it('stays a member, or becomes one again, when the log was restarted', async () => {
    const log = theLog()
    const { cluster, topic, admin } = clientsOf(log)
    const name = await topic(2)
    const groupId = uniqueName('restart')
    const member = join(cluster, { groupId, topics: [name], instanceId: 'slot-0' })
    await member.until('assigned 0,1')
    await log.restart()
    const isIn = async () => {
      const [group] = await admin.describeGroups([groupId])
      const { memberId } = member.group.metadata()
      return group?.state === 'Stable' && group.members.some((one) => one.memberId === memberId)
    }
    await expect.poll(isIn, { timeout: 20_000 }).toBe(true)
    expect(numbersOf(member.group.assignment())).toEqual([0, 1])
  })
}
