import { apis, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { crashCopy } from './support/crash.ts'
import {
  commit,
  committed,
  deleteGroup,
  deleteOffset,
  groupsOf,
  type Join,
  join,
  joinRequest,
  SESSION_MS,
  setUp,
  sync,
  WRITE_TIMEOUT_MS,
} from './support/group-client.ts'
import { type Append, refusedBy } from './support/held-state-log.ts'
import { testBroker, wireClient } from './support/test-broker.ts'

const isGroupRecord = ({ entries }: Append) => entries.some(({ key }) => key[0] === 'group')

test.each([
  [errors.NOT_ENOUGH_REPLICAS, errors.COORDINATOR_NOT_AVAILABLE],
  [errors.KAFKA_STORAGE_ERROR, errors.NOT_COORDINATOR],
])('answers what the log refuses with %i by the code %i, and changes nothing', async (cause, code) => {
  const { log, client } = await setUp()
  expect(await commit(client, { offset: 1 })).toBe(0)
  log.fault = { before: () => Promise.reject(refusedBy(cause)) }
  expect(await commit(client, { offset: 2 })).toBe(code)
  expect(await commit(client, { groupId: 'new', offset: 2 })).toBe(code)
  expect(await deleteOffset(client)).toBe(code)
  expect(await deleteGroup(client)).toBe(code)
  log.fault = {}
  expect(await committed(client)).toEqual([1])
  expect(await groupsOf(client)).toEqual(['g'])
})

test('answers when a commit hangs, does not return it meanwhile, and accepts a late success', async () => {
  const { broker, log, timers, client } = await setUp()
  const other = await wireClient(broker)
  const late = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  log.fault = {
    before: () => {
      reached.resolve()
      return late.promise
    },
  }
  const hanging = commit(client, { offset: 7 })
  await reached.promise
  expect(await committed(other)).toEqual([])
  expect(timers.fire(WRITE_TIMEOUT_MS)).toBe(1)
  expect(await hanging).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  late.resolve()
  await expect.poll(() => committed(other)).toEqual([7])
})

test('lets the members of a group join again when their assignment is refused', async () => {
  const { log, client } = await setUp()
  const member = await join(client)
  log.fault = { before: (append) => (isGroupRecord(append) ? Promise.reject(refusedBy()) : Promise.resolve()) }
  expect((await sync(client, member, 'lost')).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  log.fault = {}
  const again = await join(client, { memberId: member.memberId })
  expect(again).toMatchObject({ errorCode: 0, generationId: member.generationId + 1 })
  expect(String((await sync(client, again, 'kept')).assignment)).toBe('kept')
})

test('leaves a static member in its place when that of its successor is refused', async () => {
  const { broker, log, client } = await setUp()
  const groupInstanceId = 'slot-0'
  const before = await join(client, { groupInstanceId })
  expect(String((await sync(client, before, 'all', groupInstanceId)).assignment)).toBe('all')
  log.fault = { before: () => Promise.reject(refusedBy()) }
  const other = await wireClient(broker)
  expect((await join(other, { groupInstanceId })).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  log.fault = {}
  const alive = await client.call(apis.heartbeat, { groupId: 'g', ...before, groupInstanceId })
  expect(alive.errorCode).toBe(0)
  expect(await join(other, { groupInstanceId })).toMatchObject({ errorCode: 0, skipAssignment: true })
})

test('deletes a group whole or not at all, and refuses what comes meanwhile', async () => {
  const { broker, dataDir, log, client } = await setUp()
  expect(await commit(client, { offset: 1 })).toBe(0)
  const reached = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  log.fault = {
    before: () => {
      reached.resolve()
      return held.promise
    },
  }
  const deleted = deleteGroup(client)
  await reached.promise
  const other = await wireClient(broker)
  expect(await commit(other, { offset: 2 })).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect((await join(other)).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect(await committed(await wireClient(await testBroker({ dataDir: crashCopy(dataDir) })))).toEqual([1])
  held.resolve()
  expect(await deleted).toBe(0)
  expect(await groupsOf(other)).toEqual([])
  expect(await groupsOf(await wireClient(await testBroker({ dataDir: crashCopy(dataDir) })))).toEqual([])
})

// A group vanished with its last OffsetDelete: tools that list groups, or delete it next, were answered that there is
// none.
test('keeps a group whose last offset was deleted', async () => {
  const { client } = await setUp()
  expect(await commit(client, { offset: 1 })).toBe(0)
  expect(await deleteOffset(client)).toBe(0)
  expect(await groupsOf(client)).toEqual(['g'])
  expect(await deleteOffset(client)).toBe(0)
  expect(await deleteGroup(client)).toBe(0)
  expect(await groupsOf(client)).toEqual([])
})

test('leaves no group behind where all that was asked of it was refused or given up', async () => {
  const { broker, timers, client } = await setUp({ groupMemberMaxBytes: 100 })
  const code = async (changes: Partial<Join>) => (await join(client, changes)).errorCode
  expect(await code({ protocols: [] })).toBe(errors.INCONSISTENT_GROUP_PROTOCOL)
  expect(await code({ protocolType: '' })).toBe(errors.INCONSISTENT_GROUP_PROTOCOL)
  expect(await code({ memberId: 'made-up' })).toBe(errors.UNKNOWN_MEMBER_ID)
  expect(await code({ protocols: [{ name: 'range', metadata: Buffer.alloc(96) }] })).toBe(errors.INVALID_REQUEST)
  expect(await code({ groupId: 'g'.repeat(1025) })).toBe(errors.INVALID_GROUP_ID)
  const nowhere = { partitionIndex: 9, committedOffset: 1, committedMetadata: '' }
  await client.call(apis.offsetCommit, { groupId: 'g', topics: [{ name: 't', partitions: [nowhere] }] })
  expect(await groupsOf(client)).toEqual([])

  expect((await client.call(apis.joinGroup, joinRequest())).errorCode).toBe(errors.MEMBER_ID_REQUIRED)
  expect(await groupsOf(client)).toEqual(['g'])
  expect(timers.fire(SESSION_MS)).toBe(1)
  expect(await groupsOf(client)).toEqual([])

  const other = await wireClient(broker)
  expect((await other.call(apis.joinGroup, joinRequest())).errorCode).toBe(errors.MEMBER_ID_REQUIRED)
  other.close()
  await expect.poll(() => groupsOf(client)).toEqual([])

  const member = await join(client)
  await client.call(apis.leaveGroup, { groupId: 'g', members: [{ memberId: member.memberId }] })
  expect(await groupsOf(client)).toEqual([])
})
