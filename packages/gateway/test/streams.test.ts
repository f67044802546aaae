import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatEventId, parseEventId } from '../src/shared/event-id.ts'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway({ heartbeatMs: 200, streamsOfOne: 5 })
let surroundings: Surroundings
let gateway: TestGateway
let http: TestClient

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  gateway = await openTestGateway(definition, surroundings)
  http = gateway.http2
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

/** A user that no other test knows. */
async function someone() {
  const name = `user-${randomUUID()}`
  return { name, token: await surroundings.issuer.token(name, 'read write') }
}

function putEntry(identity: string, n: number) {
  return surroundings.log.put('entries', identity, { n }, { 'x:identity': identity })
}

function putTask(id: string, owner: string, state: string, text = '') {
  return surroundings.log.put(
    'tasks',
    id,
    { id, text },
    { 'x:identity': owner, 'x:author': 'author', 'x:state': state },
  )
}

const numbers = (values: readonly unknown[]) => values.map((value) => (value as { n: number }).n)
const isNumber = (n: number) => (event: { data: string | undefined }) => event.data === JSON.stringify({ n })

describe('a stream', () => {
  it.each(['http1', 'http2'] as const)('gives the history first, then what happens, over %s', async (protocol) => {
    const { name, token } = await someone()
    for (const n of [1, 2, 3]) await putEntry(name, n)
    const stream = await gateway[protocol].stream('/entries', { token })
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
    })
    expect(stream.headers['content-encoding']).toBeUndefined()
    expect(numbers(await stream.caughtUp())).toEqual([1, 2, 3])
    await putEntry(name, 4)
    await stream.event(isNumber(4))
    await putEntry(name, 5)
    await stream.event(isNumber(5))
    expect(numbers(stream.values())).toEqual([1, 2, 3, 4, 5])
    stream.close()
  })

  it('gives only the newest of the history with last=N', async () => {
    const { name, token } = await someone()
    for (const n of [1, 2, 3]) await putEntry(name, n)
    const stream = await http.stream('/entries?last=2', { token })
    expect(numbers(await stream.caughtUp())).toEqual([2, 3])
    stream.close()
  })

  it('of everybody’s news is the same for all, by time over all partitions', async () => {
    const [ada, bob] = [await someone(), await someone()]
    for (let n = 0; n < 20; n++) {
      await surroundings.log.put('news', `author-${n}`, { n })
      // Within a millisecond the log knows no order between partitions.
      await setTimeout(2)
    }
    const streams = await Promise.all([ada, bob].map(({ token }) => http.stream('/news?last=20', { token })))
    for (const stream of streams)
      expect(numbers(await stream.caughtUp())).toEqual(Array.from({ length: 20 }, (_, n) => n))
    await surroundings.log.put('news', 'someone', { n: 99 })
    const events = await Promise.all(streams.map((stream) => stream.event(isNumber(99))))
    expect(events[0]).toEqual(events[1])
    for (const stream of streams) stream.close()
  })

  it('sends nothing that belongs to another user', async () => {
    const [ada, bob] = [await someone(), await someone()]
    const stream = await http.stream('/entries', { token: ada.token })
    await stream.caughtUp()
    await putEntry(bob.name, 1)
    await putEntry(ada.name, 2)
    await stream.event(isNumber(2))
    expect(numbers(stream.values())).toEqual([2])
    stream.close()
  })

  it('sends its current position as heartbeats with nothing but an id', async () => {
    const { token } = await someone()
    const other = await someone()
    const stream = await http.stream('/entries', { token })
    await stream.caughtUp()
    const before = parseEventId(await stream.nextHeartbeat())
    const { partition, offset } = await putEntry(other.name, 1)
    await expect.poll(() => parseEventId(stream.lastId() ?? '')?.offsets[partition]).toBe(offset + 1)
    expect(before?.offsets[partition]).toBeLessThanOrEqual(offset)
    expect(stream.values()).toEqual([])
    stream.close()
  })

  it('is refused to those who have enough of them', async () => {
    const { token } = await someone()
    const streams = await Promise.all(Array.from({ length: 5 }, () => http.stream('/news?last=0', { token })))
    const answer = await http.call('/news', { token, headers: { accept: 'text/event-stream' } })
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '10'])
    streams[0]?.close()
    await expect
      .poll(async () => {
        const stream = await http.stream('/news?last=0', { token })
        stream.close()
        return stream.status
      })
      .toBe(200)
    for (const stream of streams) stream.close()
  })
})

describe('what is gone', () => {
  it('is sent as delete with the key: a tombstone, or a record that leaves the filter', async () => {
    const { name, token } = await someone()
    const [first, second] = [randomUUID(), randomUUID()]
    await putTask(first, name, 'open')
    await putTask(second, name, 'open')
    const stream = await http.stream('/tasks', { token })
    expect(await stream.caughtUp()).toHaveLength(2)
    await putTask(first, name, 'done')
    expect((await stream.event(({ event }) => event === 'delete')).data).toBe(first)
    await surroundings.log.put('tasks', second, null)
    expect((await stream.event(({ event, data }) => event === 'delete' && data === second)).data).toBe(second)
    expect((await http.call('/tasks', { token })).json()).toEqual([])
    stream.close()
  })

  it('is sent after a break, too, even by a gateway that never had it', async () => {
    const { name, token } = await someone()
    const [done, gone, stays] = [randomUUID(), randomUUID(), randomUUID()]
    for (const id of [done, gone, stays]) await putTask(id, name, 'open')
    const stream = await http.stream('/tasks', { token })
    await stream.caughtUp()
    const id = stream.lastId() ?? ''
    stream.close()
    await putTask(done, name, 'done')
    await surroundings.log.put('tasks', gone, null, { 'x:identity': name })
    const second = await openTestGateway(definition, surroundings)
    const resumed = await second.http2.stream('/tasks', { token, headers: { 'last-event-id': id } })
    expect(await resumed.caughtUp()).toEqual([])
    expect(resumed.events.filter(({ event }) => event === 'delete').map(({ data }) => data)).toEqual(
      expect.arrayContaining([done, gone]),
    )
    expect(resumed.events.filter(({ event }) => event === 'delete')).toHaveLength(2)
    resumed.close()
    await second.close()
  })

  it('is sent to the former owner alone when a record goes to another', async () => {
    const [ada, bob] = [await someone(), await someone()]
    const id = randomUUID()
    await putTask(id, ada.name, 'open')
    const stream = await http.stream('/tasks', { token: ada.token })
    await stream.caughtUp()
    await putTask(id, bob.name, 'open', 'secret')
    const event = await stream.event(({ event }) => event === 'delete')
    expect(event.data).toBe(id)
    expect(JSON.stringify(stream.events)).not.toContain('secret')
    stream.close()
  })

  it('is told of an item, and of records that were asked for by key', async () => {
    const { token } = await someone()
    const author = await surroundings.issuer.token('author', 'read')
    const task = randomUUID()
    await putTask(task, 'somebody', 'open')
    await surroundings.log.put('profiles', task, { id: task, name: `needle ${task}` })
    const item = await http.stream(`/tasks/${task}`, { token: author })
    const found = await http.stream(`/profiles?id=${task}&id=nobody`, { token })
    expect([(await item.caughtUp()).length, (await found.caughtUp()).length]).toEqual([1, 1])
    await surroundings.log.put('profiles', task, { id: task, name: 'hay' })
    await surroundings.log.put('profiles', `${task}-2`, { id: `${task}-2`, name: 'another' })
    expect((await found.event(({ data }) => data?.includes('hay') === true)).event).toBe('message')
    await surroundings.log.put('tasks', task, null)
    await surroundings.log.put('profiles', task, null)
    expect((await item.event(({ event }) => event === 'delete')).data).toBe(task)
    expect((await found.event(({ event }) => event === 'delete')).data).toBe(task)
    expect(JSON.stringify(found.events)).not.toContain('another')
    item.close()
    found.close()
  })
})

describe('a resumed stream', () => {
  it('neither loses nor repeats anything, however often it breaks', async () => {
    const { name, token } = await someone()
    const total = 200
    const writing = (async () => {
      for (let n = 0; n < total; n++) await putEntry(name, n)
    })()
    const seen: number[] = []
    let id: string | undefined
    while (seen.length < total) {
      const headers: Record<string, string> = id === undefined ? {} : { 'last-event-id': id }
      const stream = await gateway[seen.length % 2 === 0 ? 'http1' : 'http2'].stream('/entries', { token, headers })
      const until = Math.min(total, seen.length + 1 + (seen.length % 17))
      await stream.event(isNumber(until - 1))
      const taken = stream.events.filter(({ event }) => event === 'message').slice(0, until - seen.length)
      seen.push(...taken.map(({ data }) => (JSON.parse(data ?? '') as { n: number }).n))
      id = taken.at(-1)?.id
      expect(stream.events.some(({ event }) => event === 'reset')).toBe(false)
      stream.close()
    }
    await writing
    expect(seen).toEqual(Array.from({ length: total }, (_, n) => n))
  })

  it('continues in each partition where it was, in the middle of the history', async () => {
    const { token } = await someone()
    const marker = Math.floor(Math.random() * 1e9) * 1000
    for (let n = 0; n < 60; n++) await surroundings.log.put('news', `key-${n}`, { n: marker + n })
    const all = await http.stream('/news?last=60', { token })
    await all.caughtUp()
    const history = all.events.filter(({ event }) => event === 'message')
    all.close()
    for (const at of [0, 1, 13, 30, 58, 59]) {
      const resumed = await http.stream(`/news?lastEventId=${encodeURIComponent(history[at]?.id ?? '')}`, { token })
      await resumed.caughtUp()
      const rest = resumed.events.filter(({ event }) => event === 'message').map(({ data }) => data)
      expect(rest).toEqual(history.slice(at + 1).map(({ data }) => data))
      resumed.close()
    }
  })

  it('skips versions that are no longer there, but not the newest', async () => {
    const { name, token } = await someone()
    const putScore = (score: number) => surroundings.log.put('scores', name, { score }, { 'x:identity': name })
    await putScore(1)
    const stream = await http.stream('/score', { token })
    await stream.caughtUp()
    const id = stream.lastId() ?? ''
    stream.close()
    for (const score of [2, 3, 4]) await putScore(score)
    await expect.poll(async () => (await http.call('/score', { token })).json()).toEqual({ score: 4 })
    const resumed = await http.stream('/score', { token, headers: { 'last-event-id': id } })
    expect(await resumed.caughtUp()).toEqual([{ score: 4 }])
    resumed.close()
  })

  it('prefers the header to the parameter, which is of the first time', async () => {
    const { name, token } = await someone()
    const ids: string[] = []
    const stream = await http.stream('/entries', { token })
    await stream.caughtUp()
    for (const n of [1, 2]) {
      await putEntry(name, n)
      ids.push((await stream.event(isNumber(n))).id ?? '')
    }
    stream.close()
    const resumed = await http.stream(`/entries?lastEventId=${encodeURIComponent(ids[0] ?? '')}`, {
      token,
      headers: { 'last-event-id': ids[1] ?? '' },
    })
    expect(await resumed.caughtUp()).toEqual([])
    resumed.close()
  })
})

describe('a position that can’t be continued', () => {
  async function currentPosition(path: string, token: string) {
    const stream = await http.stream(path, { token })
    await stream.caughtUp()
    stream.close()
    const position = parseEventId(stream.lastId() ?? '')
    if (position === undefined) throw new Error('no position')
    return position
  }

  it.each([
    [
      'above the end of the log',
      'above-log-end',
      (offsets: readonly number[]) => ({ offsets: offsets.map((offset) => offset + 1_000_000) }),
    ],
    ['of another topic', 'other-topic', () => ({ topicId: 'x'.repeat(22) })],
    [
      'of another number of partitions',
      'other-partitions',
      (offsets: readonly number[]) => ({ offsets: offsets.slice(1) }),
    ],
  ] as const)('%s gets a reset, then everything', async (_what, reason, change) => {
    const { name, token } = await someone()
    for (const n of [1, 2]) await putEntry(name, n)
    const position = await currentPosition('/entries', token)
    const id = formatEventId({ ...position, ...change(position.offsets) })
    const stream = await http.stream('/entries', { token, headers: { 'last-event-id': id } })
    expect(numbers(await stream.caughtUp())).toEqual([1, 2])
    expect(stream.events[0]).toMatchObject({ event: 'reset', data: JSON.stringify({ reason }) })
    stream.close()
  })

  it('older than tombstones are kept gets a reset on a compacted topic, and none on others', async () => {
    const { name, token } = await someone()
    await putTask(randomUUID(), name, 'open')
    await putEntry(name, 1)
    const yesterday = Date.now() - 86_400_000 - 60_000
    const tasks = formatEventId({ ...(await currentPosition('/tasks', token)), time: yesterday })
    const entries = formatEventId({ ...(await currentPosition('/entries', token)), time: yesterday })
    const old = await http.stream('/tasks', { token, headers: { 'last-event-id': tasks } })
    expect(await old.caughtUp()).toHaveLength(1)
    expect(old.events[0]?.data).toBe('{"reason":"too-old"}')
    const fine = await http.stream('/entries', { token, headers: { 'last-event-id': entries } })
    expect(await fine.caughtUp()).toEqual([])
    expect(fine.events.some(({ event }) => event === 'reset')).toBe(false)
    old.close()
    fine.close()
  })

  it.each(['nonsense', 'x'.repeat(300), 'news:abc:1:0'])('because it is %j gets 400', async (id) => {
    const { token } = await someone()
    const answer = await http.call('/entries', { token, headers: { accept: 'text/event-stream', 'last-event-id': id } })
    expect([answer.status, (answer.json() as { type: string }).type]).toEqual([
      400,
      'urn:test:problem:invalid-position',
    ])
  })

  it.each([
    ['an empty header', 'text/event-stream', '', 'nonsense'],
    ['a good header', 'text/event-stream', 'good', 'nonsense'],
    ['a bad header', 'text/event-stream', 'nonsense', 'good'],
    ['no header, as JSON', 'application/json', undefined, 'nonsense'],
    ['a bad header, as JSON', 'application/json', 'nonsense', 'good'],
    ['a good header, as CSV', 'text/csv', 'good', 'nonsense'],
  ])('gets 400, whether it is used or not: beside %s', async (_what, accept, header, parameter) => {
    const { token } = await someone()
    const good = formatEventId(await currentPosition('/entries', token))
    const idOf = (text: string) => (text === 'good' ? good : text)
    const headers = { accept, ...(header === undefined ? {} : { 'last-event-id': idOf(header) }) }
    const ask = async (id: string) =>
      (await http.call(`/entries?lastEventId=${encodeURIComponent(id)}`, { token, headers })).status
    expect(await ask(idOf(parameter))).toBe(400)
  })

  it('gets 400 on a stream for a cursor of pages, which it does not use', async () => {
    const { token } = await someone()
    const headers = { accept: 'text/event-stream' }
    expect((await http.call('/entries?before=nonsense', { token, headers })).status).toBe(400)
  })

  it('because it is of another view gets 400', async () => {
    const { token } = await someone()
    const id = formatEventId(await currentPosition('/news?last=0', token))
    const answer = await http.call('/entries', { token, headers: { accept: 'text/event-stream', 'last-event-id': id } })
    expect(answer.status).toBe(400)
  })
})
