/** What a view does with a stream that it cannot tell of a record: nobody may miss one and not know. */
import { memoryStore } from '@streampay/local-store/memory'
import { expect, it } from 'vitest'
import type { ViewRoute } from '../src/index.ts'
import type { Access } from '../src/views/access.ts'
import { OffsetIndex } from '../src/views/offset-index.ts'
import type { LogTimes } from '../src/views/period.ts'
import type { TopicFeed } from '../src/views/topic-feed.ts'
import type { ValueReader } from '../src/views/value-reader.ts'
import { View } from '../src/views/view.ts'
import type { ViewRecord } from '../src/views/view-record.ts'

const route: ViewRoute = { kind: 'view', path: '/news', summary: '', scope: 'read', topic: 'news', show: 'list' }
const record: ViewRecord = { partition: 0, offset: 0, timestamp: 0, key: 'k', value: '{"n":1}', headers: {} }

function openView(): View {
  const feed = { topicId: 'AAAA', caughtUpAt: 1, positions: [1], logStarts: [0] } as unknown as TopicFeed
  // No history is read here.
  const values = {} as ValueReader
  const times = {} as LogTimes
  const index = new OffsetIndex(memoryStore().table('rows'), 0)
  return new View(route, feed, { kind: 'index', index, values, times })
}

/** A stream of one channel, and what it was told. */
function follow(
  view: View,
  channel: string,
  access: Partial<Access> = {},
  push: (bytes: Buffer) => void = () => undefined,
) {
  const told: string[] = []
  view.subscribe({
    access: { channel, shared: true, shows: () => true, ...access },
    label: '',
    push: (bytes) => {
      push(bytes)
      told.push(/data: (.*)/.exec(bytes.toString())?.[1] ?? '')
    },
    onFault: (error) => told.push(`fault: ${(error as Error).message}`),
  })
  return told
}

const fails = () => {
  throw new Error('a bug')
}

it('has every stream of a channel start over if a record cannot be made an event there, and tells the others', () => {
  const view = openView()
  const [one, other] = [follow(view, 'ada', { shows: fails }), follow(view, 'ada', { shared: false, shows: fails })]
  const bob = follow(view, 'bob')
  for (const channel of ['ada', 'bob']) view.onRecord(channel, record)
  view.flush()
  expect([one, other, bob]).toEqual([['fault: a bug'], ['fault: a bug'], ['{"n":1}']])
})

it.each([true, false])('has a stream that fails to take its events start over alone (shared: %s)', (shared) => {
  const view = openView()
  const failing = follow(view, 'ada', { shared }, fails)
  const other = follow(view, 'ada', { shared })
  view.onRecord('ada', record)
  view.flush()
  expect([failing, other]).toEqual([['fault: a bug'], ['{"n":1}']])
})
