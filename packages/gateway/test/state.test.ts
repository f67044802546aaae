/** What a gateway keeps in its folder is believed only as far as it agrees with the log: it never shows a wrong row. */
import { cp, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Object as Struct } from 'typebox'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { defineGateway, type GatewayDefinition, type GatewayOptions } from '../src/index.ts'
import { definition as plain } from './support/definition.ts'
import {
  type KeptSurroundings,
  openKeptSurroundings,
  openTestGateway,
  startTestGateway,
  type TestGateway,
} from './support/test-gateway.ts'

const setAside = {
  name: 'set-aside',
  description: 'What is left out',
  key: 'topic, partition and offset',
  config: { 'cleanup.policy': 'compact' },
  valueSchema: Struct({}),
}
const spec: GatewayDefinition = {
  ...plain,
  topics: [...plain.topics, setAside],
  setAsideTopic: setAside.name,
  limits: { commandsPerSecond: 10_000 },
}
const definition = defineGateway(spec)
const people = ['ada', 'bob', 'cyd'] as const
const topics = ['profiles', 'tasks', 'scores', 'entries', 'news', 'spans'] as const

// Each starts several gateways, two for each comparison.
vi.setConfig({ testTimeout: 60_000 })

let surroundings: KeptSurroundings
let folder: string

beforeEach(async () => {
  surroundings = await openKeptSurroundings(definition)
  folder = await mkdtemp(join(tmpdir(), 'gateway-state-'))
})
afterEach(async () => {
  await surroundings.close()
  await rm(folder, { recursive: true, force: true })
})

function open(options: Partial<GatewayOptions> = {}, gateway = definition): Promise<TestGateway> {
  return openTestGateway(gateway, surroundings, { state: { folder, maxBytes: 2 ** 30 }, ...options })
}

/** Opens and closes one, so that what is on the log is in its folder. */
async function visit(options: Partial<GatewayOptions> = {}): Promise<void> {
  const gateway = await open(options)
  await gateway.close()
}

/** All that everybody can see. */
async function shownBy({ http2 }: TestGateway): Promise<unknown> {
  const paths = [
    '/score',
    '/tasks',
    '/tasks/t1',
    '/tasks/t2',
    '/entries',
    '/news',
    '/spans',
    '/profile',
    '/profiles?search=n',
  ]
  const tokens = await Promise.all(people.map((person) => surroundings.issuer.token(person, 'read')))
  return Promise.all(
    tokens.flatMap((token) => paths.map(async (path) => [path, (await http2.call(path, { token })).json()])),
  )
}

/** What a gateway shows that has read the whole log. */
async function truth(): Promise<unknown> {
  const gateway = await openTestGateway(definition, surroundings)
  const shown = await shownBy(gateway)
  await gateway.close()
  return shown
}

type Line = { readonly msg: string; readonly topic?: string; readonly reason?: string; readonly left?: number }

function linesOf({ lines }: TestGateway, text: string): Line[] {
  return lines.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg.includes(text))
}

/** Starts one on what is in the folder: it must show the truth. Why it believed what was there, or not. */
async function visitAndCompare(options: Partial<GatewayOptions> = {}, other = definition) {
  const gateway = await open(options, other)
  const shown = await shownBy(gateway)
  await gateway.close()
  expect(shown).toEqual(await truth())
  return {
    believed: linesOf(gateway, 'continue from their rows').map(({ topic, left }) => ({ topic, left })),
    doubted: linesOf(gateway, 'may not match the log').map(({ topic, reason }) => ({ topic, reason })),
    wiped: linesOf(gateway, 'is rebuilt').map(({ reason }) => reason),
  }
}

let written = 0

/** One record for each of the topics, and one that moves, one that is deleted, and one that comes back. */
async function write(round: number): Promise<void> {
  const { log } = surroundings
  for (const [index, person] of people.entries()) {
    const next = people[(index + round) % people.length] ?? 'ada'
    await log.put('scores', person, { score: ++written }, { 'x:identity': person })
    await log.put('entries', person, { n: ++written }, { 'x:identity': person })
    await log.put('news', person, { n: ++written })
    await log.put('spans', person, { traceId: `${++written}` })
    await log.put('profiles', person, { id: person, name: `N${++written} ${person}` })
    const headers = { 'x:identity': next, 'x:author': person, 'x:state': written % 2 === 0 ? 'open' : 'done' }
    await log.put('tasks', `t${index}`, { id: `t${index}`, text: `${++written}` }, headers)
  }
  await log.put('tasks', `gone-${round}`, { id: 'gone', text: '' }, { 'x:identity': 'ada', 'x:state': 'open' })
  if (round > 0) await log.put('tasks', `gone-${round - 1}`, null)
}

it('reads only what came since it was closed', async () => {
  for (const round of [0, 1, 2]) await write(round)
  await visit()
  await surroundings.log.put('news', 'ada', { n: ++written })
  const { believed, doubted } = await visitAndCompare()
  expect(doubted).toEqual([])
  expect(new Map(believed.map(({ topic, left }) => [topic, left]))).toEqual(
    new Map(topics.map((topic) => [topic, topic === 'news' ? 1 : 0])),
  )
})

it('continues with streams of before it was closed, losing and repeating nothing', async () => {
  await write(0)
  const token = await surroundings.issuer.token('ada', 'read')
  const before = await open()
  const stream = await before.http2.stream('/tasks', { token })
  await stream.caughtUp()
  const id = stream.lastId() ?? ''
  await before.close()
  await surroundings.log.put('tasks', 't0', null)
  await surroundings.log.put('tasks', 'new', { id: 'new', text: '' }, { 'x:identity': 'ada', 'x:state': 'open' })
  const after = await open()
  const resumed = await after.http2.stream('/tasks', { token, headers: { 'last-event-id': id } })
  await resumed.caughtUp()
  const told = resumed.events.map(({ event, data }) => [event, data])
  expect(told).toEqual(
    expect.arrayContaining([
      ['delete', 't0'],
      ['message', '{"id":"new","text":""}'],
    ]),
  )
  expect(told.filter(([event]) => event === 'reset')).toEqual([])
  expect(told).toHaveLength(3)
  resumed.close()
  await after.close()
})

it('is rebuilt when it was deleted, or cut short', async () => {
  await write(0)
  await visit()
  await rm(folder, { recursive: true })
  expect(await visitAndCompare()).toEqual({ believed: [], doubted: [], wiped: [] })
  const data = join(folder, 'data.mdb')
  await truncate(data, (await stat(data)).size / 2)
  const { wiped, believed } = await visitAndCompare()
  expect([wiped.length, believed]).toEqual([1, []])
})

it('does not serve data that the disk has changed, says so, and is rebuilt at the next start', async () => {
  await write(0)
  await visit()
  const data = join(folder, 'data.mdb')
  const bytes = await readFile(data, 'latin1')
  expect(bytes).toContain('"name":"N')
  await writeFile(data, bytes.replaceAll('"name":"N', '"name":"M'), 'latin1')
  const told = vi.fn()
  const gateway = await open({ onStateDamaged: told })
  const token = await surroundings.issuer.token('ada', 'read')
  expect((await gateway.http2.call('/profile', { token })).status).toBeGreaterThanOrEqual(500)
  expect(told).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('checksum'))
  await gateway.close()
  expect((await visitAndCompare()).wiped).toEqual([expect.stringContaining('checksum')])
})

it('catches up when it is a copy from before', async () => {
  await write(0)
  await visit()
  const copy = `${folder}-copy`
  await cp(folder, copy, { recursive: true })
  for (const round of [1, 2]) await write(round)
  await visit()
  await rm(folder, { recursive: true })
  await cp(copy, folder, { recursive: true })
  await rm(copy, { recursive: true })
  const { believed, doubted } = await visitAndCompare()
  expect([believed.length, doubted]).toEqual([topics.length, []])
})

it('may be that of another gateway of the same log', async () => {
  await write(0)
  const other = `${folder}-other`
  await visit({ state: { folder: other, maxBytes: 2 ** 30 } })
  await write(1)
  await visit()
  await rm(folder, { recursive: true })
  await cp(other, folder, { recursive: true })
  await rm(other, { recursive: true })
  expect((await visitAndCompare()).doubted).toEqual([])
})

it('answers 503 for what does not fit into its bound, and serves the rest', async () => {
  await write(0)
  const { log, issuer } = surroundings
  const name = 'x'.repeat(3_000)
  await log.producer.send(
    Array.from({ length: 2_000 }, (_, n) => ({
      topic: 'profiles',
      key: `p${n}`,
      value: JSON.stringify({ id: `p${n}`, name }),
    })),
  )
  const running = await startTestGateway(definition, surroundings, { state: { folder, maxBytes: 2 ** 22 } })
  const token = await issuer.token('ada', 'read')
  const answers = async () => {
    const paths = ['/news', '/profiles', '/health/ready']
    return Promise.all(paths.map(async (path) => (await running.http2.call(path, { token })).status))
  }
  await expect.poll(() => linesOf(running, 'cannot be stored').at(0)?.topic, { timeout: 30_000 }).toBe('profiles')
  await expect.poll(answers, { timeout: 30_000 }).toEqual([200, 503, 503])
  await running.close()
})

it('is not shared by two at once', async () => {
  const gateway = await open()
  await expect(open()).rejects.toMatchObject({ code: 'LOCAL_STORE_LOCKED' })
  await gateway.close()
})

it('is not used if it is of another log', async () => {
  await write(0)
  await visit()
  await surroundings.close()
  surroundings = await openKeptSurroundings(definition)
  await write(1)
  const { believed, doubted } = await visitAndCompare()
  expect([believed, doubted]).toEqual([
    [],
    topics.map(() => expect.objectContaining({ reason: 'they are of another topic of this name' }) as unknown),
  ])
})

it('is not used if the log has lost its end, nor if it has grown again since', async () => {
  const { log } = surroundings
  await write(0)
  await log.stop()
  const copy = `${folder}-log`
  await cp(log.dataDir, copy, { recursive: true })
  await log.start()
  await write(1)
  await visit()
  const lost = `${folder}-lost`
  await cp(folder, lost, { recursive: true })
  const restoreLog = async () => {
    await log.stop()
    await rm(log.dataDir, { recursive: true })
    await cp(copy, log.dataDir, { recursive: true })
    await log.start()
  }
  await restoreLog()
  const shorter = await visitAndCompare()
  expect(shorter.doubted.map(({ reason }) => reason?.includes('before their position'))).toEqual(topics.map(() => true))

  await rm(folder, { recursive: true })
  await cp(lost, folder, { recursive: true })
  await restoreLog()
  // As many records as before, so that the offsets fit.
  await write(1)
  const other = await visitAndCompare()
  expect(other.doubted.map(({ reason }) => reason?.endsWith('is another'))).toEqual(topics.map(() => true))
  await Promise.all([copy, lost].map((path) => rm(path, { recursive: true })))
})

it('is not used if what it read last is gone from the log', async () => {
  const { log } = surroundings
  await write(0)
  const { partition } = await log.put('news', 'ada', { n: ++written })
  await visit()
  const { offset } = await log.put('news', 'ada', { n: ++written })
  await log.put('news', 'ada', { n: ++written })
  const reasons = async () => (await visitAndCompare()).doubted.map(({ topic, reason }) => [topic, reason])
  await log.admin.deleteRecords([{ topic: 'news', partition, beforeOffset: offset + 1 }])
  expect(await reasons()).toEqual([
    ['news', `partition ${partition} begins at ${offset + 1}, behind their position ${offset}`],
  ])
  await log.admin.deleteRecords([{ topic: 'news', partition, beforeOffset: offset + 2 }])
  expect(await reasons()).toEqual([['news', `partition ${partition} has nothing at ${offset + 1} any more`]])
  expect(await reasons()).toEqual([])
})

it('is not used if it was made by another definition of views', async () => {
  await write(0)
  await visit()
  const routes = spec.routes.map((route) =>
    route.kind === 'view' && route.path === '/tasks'
      ? { ...route, where: { header: 'x:state', equals: 'done' } }
      : route,
  )
  const gateway = await open({}, defineGateway({ ...spec, routes }))
  expect(linesOf(gateway, 'may not match the log').map(({ topic, reason }) => [topic, reason])).toEqual([
    ['tasks', 'they were made by another definition of views'],
  ])
  await gateway.close()
})

it('is not used if it shows what an operator has set aside since', async () => {
  await write(0)
  const { partition, offset } = await surroundings.log.put('news', 'ada', { n: 1 })
  await visit()
  await surroundings.log.put('set-aside', 'note', { topic: 'news', partition, offset })
  const { doubted } = await visitAndCompare()
  expect(doubted).toEqual([
    { topic: 'news', reason: 'since then an operator has set a record aside, or taken that back' },
  ])
})

it('is not used of a compacted topic if the log may no longer have the tombstones of what was deleted since', async () => {
  await write(0)
  await visit()
  const later = { now: () => Date.now() + 25 * 3_600_000, elapsed: () => performance.now() }
  const gateway = await open({ clock: later })
  expect(
    linesOf(gateway, 'may not match the log')
      .map(({ topic }) => topic)
      .toSorted(),
  ).toEqual(['profiles', 'scores', 'tasks'])
  await gateway.close()
})
