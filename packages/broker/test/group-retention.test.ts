import { apis, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { crashCopy } from './support/crash.ts'
import { commit, committed, groupsOf, join, joinRequest, RETENTION_CHECK_MS, setUp } from './support/group-client.ts'
import { refusedBy } from './support/held-state-log.ts'
import { testBroker, wireClient } from './support/test-broker.ts'

test('forgets a group without members, and its offsets, when both are as old as the retention', async () => {
  const { dataDir, timers, time, client } = await setUp({ offsetsRetentionMs: 60_000 })
  expect(await commit(client, { offset: 1 })).toBe(0)
  expect(await commit(client, { groupId: 'used', offset: 2 })).toBe(0)
  const member = await join(client, { groupId: 'used' })
  expect(member.errorCode).toBe(0)
  time.now += 30_000
  expect(await commit(client, { partition: 1, offset: 3 })).toBe(0)
  time.now += 29_999
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  expect(await committed(client)).toEqual([1, 3])
  time.now += 1
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await expect.poll(() => committed(client)).toEqual([3])
  time.now += 30_000
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await expect.poll(() => groupsOf(client)).toEqual(['used'])
  expect(await committed(client, 'used')).toEqual([2])
  const again = await wireClient(await testBroker({ dataDir: crashCopy(dataDir) }))
  expect(await groupsOf(again)).toEqual(['used'])
})

test('tries the retention again when the log refused it', async () => {
  const { log, timers, time, client } = await setUp({ offsetsRetentionMs: 60_000 })
  expect(await commit(client, { offset: 1 })).toBe(0)
  time.now += 60_000
  const refused = Promise.withResolvers<void>()
  log.fault = {
    before: () => {
      refused.resolve()
      return Promise.reject(refusedBy())
    },
  }
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await refused.promise
  log.fault = {}
  expect(await groupsOf(client)).toEqual(['g'])
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await expect.poll(() => groupsOf(client)).toEqual([])
})

test('a group that was deleted and made again while the retention looks at others stays', async () => {
  const { log, timers, time, client } = await setUp({ offsetsRetentionMs: 60_000 })
  for (const groupId of ['first', 'second']) expect(await commit(client, { groupId, offset: 1 })).toBe(0)
  time.now += 60_000
  const asked = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  log.fault = {
    before: ({ entries }) => {
      if (!entries.some(({ key }) => key.includes('first'))) return Promise.resolve()
      asked.resolve()
      return goOn.promise
    },
  }
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await asked.promise
  expect((await client.call(apis.deleteGroups, { groupsNames: ['second'] })).results[0]?.errorCode).toBe(0)
  const member = client.call(apis.joinGroup, joinRequest({ groupId: 'second' }))
  expect((await member).errorCode).toBe(errors.MEMBER_ID_REQUIRED)
  goOn.resolve()
  await expect.poll(() => groupsOf(client)).not.toContain('first')
  expect(await groupsOf(client)).toEqual(['second'])
  const { memberId } = await member
  const again = await client.call(apis.heartbeat, { groupId: 'second', generationId: 0, memberId })
  expect(again.errorCode).toBe(errors.UNKNOWN_MEMBER_ID)
})
