import { apis, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { commit, join, joinRequest, setUp } from './support/group-client.ts'
import { refusedBy } from './support/held-state-log.ts'
import { type WireClient, wireClient } from './support/test-broker.ts'

test('gives out no more member ids than a group may have members', async () => {
  const { client } = await setUp({ groupMaxMembers: 2 })
  const ask = async (memberId = '') => client.call(apis.joinGroup, joinRequest({ memberId }))
  const [first, second] = [await ask(), await ask()]
  expect([first.errorCode, second.errorCode]).toEqual([errors.MEMBER_ID_REQUIRED, errors.MEMBER_ID_REQUIRED])
  expect((await ask()).errorCode).toBe(errors.GROUP_MAX_SIZE_REACHED)
  expect((await join(client, { groupId: 'other' })).errorCode).toBe(0)
  await client.call(apis.leaveGroup, { groupId: 'g', members: [{ memberId: second.memberId }] })
  expect((await ask(first.memberId)).errorCode).toBe(0)
})

test('counts a new group from its first commit on, and no more when that was refused', async () => {
  const { log, client } = await setUp({ maxGroupsPerClient: 3 })
  const make = (groupId: string) => commit(client, { groupId, offset: 1 })
  log.fault = { before: () => Promise.reject(refusedBy()) }
  expect([await make('x'), await make('y'), await make('z')]).toEqual(
    Array.from({ length: 3 }, () => errors.COORDINATOR_NOT_AVAILABLE),
  )
  log.fault = {}
  const codes = await Promise.all(Array.from({ length: 20 }, (_, index) => make(`many-${index}`)))
  expect(codes.filter((code) => code === errors.NONE)).toHaveLength(3)
})

test('takes no more new groups from one address than its share, and takes those of another meanwhile', async () => {
  const { broker, client: greedy } = await setUp({ maxGroups: 4, maxGroupsPerClient: 2 })
  const make = (client: WireClient, groupId: string) => commit(client, { groupId, offset: 1 })
  expect([await make(greedy, 'a'), await make(greedy, 'b')]).toEqual([0, 0])
  expect(await make(greedy, 'c')).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect((await join(greedy, { groupId: 'c' })).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect(await make(greedy, 'a')).toBe(0)
  const other = await wireClient(broker, '127.0.0.2')
  expect([await make(other, 'd'), (await join(other, { groupId: 'e' })).errorCode]).toEqual([0, 0])
  expect(await make(await wireClient(broker, '127.0.0.3'), 'f')).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect((await greedy.call(apis.deleteGroups, { groupsNames: ['a'] })).results[0]?.errorCode).toBe(0)
  expect(await make(greedy, 'c')).toBe(0)
})
