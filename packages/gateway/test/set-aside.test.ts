/** A batch that could not be decoded kept every gateway unready, and nothing that an operator said changed that. */
import type { RecordMetadata } from '@streampay/kafka'
import { pino } from 'pino'
import { Object as Struct } from 'typebox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defineGateway } from '../src/index.ts'
import { breakBatch } from './support/broken-batch.ts'
import { definition as withoutNotes } from './support/definition.ts'
import {
  type KeptSurroundings,
  openKeptSurroundings,
  openTestGateway,
  type TestGateway,
} from './support/test-gateway.ts'

const patience = { timeout: 15_000 }
const notes = {
  name: 'notes',
  description: 'What is set aside',
  key: 'place',
  config: { 'cleanup.policy': 'compact' },
  valueSchema: Struct({}),
}
const definition = defineGateway({
  ...withoutNotes,
  topics: [...withoutNotes.topics, notes],
  setAsideTopic: notes.name,
  // So that pages are read from the log.
  limits: { valueCacheBytes: 1, commandsPerSecond: 10_000 },
})
let surroundings: KeptSurroundings
let gateway: TestGateway
let token: string
const written: RecordMetadata[] = []

const placeOf = ({ topic, partition, offset }: RecordMetadata) => `${topic}/${partition}/${offset}`

function setAside(record: RecordMetadata): Promise<RecordMetadata> {
  const { topic, partition, offset } = record
  return surroundings.log.put(notes.name, placeOf(record), { topic, partition, offset, lastOffset: offset })
}

function takeBack(record: RecordMetadata): Promise<RecordMetadata> {
  return surroundings.log.put(notes.name, placeOf(record), null)
}

/** The status while the view is built anew. */
async function entriesOf({ http2 }: TestGateway): Promise<number[] | number> {
  const answer = await http2.call('/entries', { token })
  return answer.status === 200 ? (answer.json() as { items: { n: number }[] }).items.map(({ n }) => n) : answer.status
}

async function put(n: number): Promise<RecordMetadata> {
  const record = await surroundings.log.put('entries', 'ada', { n }, { 'x:identity': 'ada' })
  written[n] = record
  return record
}

beforeAll(async () => {
  surroundings = await openKeptSurroundings(definition)
  token = await surroundings.issuer.token('ada', 'read')
  for (const n of [0, 1, 2, 3, 4]) await put(n)
})
afterAll(() => surroundings.close())

it('what is set aside while a gateway runs leaves its views, and comes back when that is taken back', async () => {
  gateway = await openTestGateway(definition, surroundings)
  const stream = await gateway.http2.stream('/news', { token })
  expect(await entriesOf(gateway)).toEqual([4, 3, 2, 1, 0])
  await surroundings.log.put(notes.name, 'no note', { topic: 'entries' })
  await surroundings.log.put(notes.name, 'no JSON', 'no JSON')
  await setAside(written[3]!)
  await expect.poll(() => entriesOf(gateway), patience).toEqual([4, 2, 1, 0])
  await takeBack(written[3]!)
  await expect.poll(() => entriesOf(gateway), patience).toEqual([4, 3, 2, 1, 0])
  expect(await gateway.metrics()).toContain('topic="notes"} 2')
  stream.close()
  await gateway.close()
}, 60_000)

it('views that stopped at a batch continue when it is set aside, there and in what is started later', async () => {
  await breakBatch(surroundings.log, written[2]!)
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const opening = openTestGateway(definition, surroundings, { logger })
  await expect.poll(() => lines.join(''), patience).toContain('the views of this topic stop')
  // Of another batch: this one still stops it.
  await setAside(written[1]!)
  await setAside(written[2]!)
  const stopped = await opening
  await expect.poll(() => entriesOf(stopped), patience).toEqual([4, 3, 0])
  expect((await stopped.http2.call('/health/ready')).status).toBe(200)
  await takeBack(written[1]!)
  await expect.poll(() => entriesOf(stopped), patience).toEqual([4, 3, 1, 0])
  await put(5)
  await expect.poll(() => entriesOf(stopped), patience).toEqual([5, 4, 3, 1, 0])
  await stopped.close()

  const later = await openTestGateway(definition, surroundings)
  expect(await entriesOf(later)).toEqual([5, 4, 3, 1, 0])
  await later.close()
}, 60_000)
