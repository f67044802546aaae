/** Waits are bounded, grow, and are spread; the metadata of the log has a maximal age. */
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { openAdmin, openCluster } from '../src/index.ts'
import { backoffMs, busyMs } from '../src/retry.ts'
import { apis } from '../src/wire/index.ts'
import { clientsOf } from './support/clients.ts'
import { type LogUnderTest, startEmbeddedLog } from './support/log-under-test.ts'

let log: LogUnderTest

beforeAll(async () => {
  log = await startEmbeddedLog()
})

afterAll(() => log.close())

const almostOne = 1 - Number.EPSILON

it('waits longer each time, between half of it and the whole, so that clients that failed together come back apart', () => {
  const longest = Array.from({ length: 12 }, (_, attempt) => backoffMs(attempt, () => 0))
  expect(longest).toEqual([10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000, 1000])
  const shortest = longest.map((_, attempt) => backoffMs(attempt, () => almostOne))
  for (const [attempt, ms] of shortest.entries()) expect(ms / (longest[attempt] ?? 0)).toBeCloseTo(0.5, 0)
  expect(backoffMs(9, () => 0.5)).toBe(750)
  expect(busyMs(30, () => 0)).toBe(55)
  expect(busyMs(30, () => almostOne)).toBe(28)
})

it('spreads the attempts of a client by the randomness that it is given', async () => {
  const random = vi.fn(() => 0.5)
  const cluster = openCluster({ brokers: ['127.0.0.1:1'], clientId: 'alone', random })
  onTestFinished(() => cluster.close())
  await expect(cluster.ready({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT' })
  expect(random).toHaveBeenCalled()
  random.mockClear()
  const toCoordinator = cluster.coordinator({
    type: 'group',
    key: 'g',
    api: apis.leaveGroup,
    body: { groupId: 'g', members: [] },
    codeOf: ({ errorCode }) => errorCode,
    timeoutMs: 50,
    what: 'leaving',
  })
  await expect(toCoordinator).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT' })
  expect(random).toHaveBeenCalled()
})

// A topic that grew, or a new broker, was never noticed while nothing failed.
it('asks again for what it knows when that is too old, as metadata.max.age.ms does', async () => {
  const { topic } = clientsOf(log)
  const name = await topic(1)
  const cluster = openCluster({ brokers: log.brokers, clientId: 'aging', metadataMaxAgeMs: 20 })
  onTestFinished(() => cluster.close())
  expect((await cluster.topic(name)).partitions).toHaveLength(1)
  const other = clientsOf(log)
  await openAdmin(other.cluster).deleteTopics([name])
  await openAdmin(other.cluster).createTopics([{ name, partitions: 3 }])
  await vi.waitFor(async () => expect((await cluster.topic(name)).partitions).toHaveLength(3), { timeout: 10_000 })
})

it('asks again in time although the log was away the last time', async () => {
  const { topic } = clientsOf(log)
  const name = await topic(1)
  const cluster = openCluster({ brokers: log.brokers, clientId: 'aging', metadataMaxAgeMs: 20 })
  onTestFinished(() => cluster.close())
  expect((await cluster.topic(name)).partitions).toHaveLength(1)
  const refresh = vi.spyOn(cluster, 'refresh').mockRejectedValueOnce(new Error('away'))
  await vi.waitFor(() => expect(refresh.mock.calls.length).toBeGreaterThan(1), { timeout: 10_000 })
})
