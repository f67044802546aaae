import { expect, it } from 'vitest'
import { consoleRecordsOf } from '../src/console/console-record.ts'

const place = { topic: 'news', partition: 0, timestamp: 1 }
const ends = { topic: 'news', partition: 0, position: 9, highWatermark: 9, lastStableOffset: 9, logStartOffset: 0 }

it('shows repeated headers in their order, and bytes that are no text, as they are', () => {
  // Of repeated headers one was shown, and other bytes than UTF-8 as U+FFFD, which cannot be told from each other.
  const headers = [
    ['h', Buffer.from('1')],
    ['h', Buffer.of(0xc3)],
    ['none', null],
  ] as const
  const record = { ...place, offset: 3, key: Buffer.of(0xff), value: Buffer.from('{"n":1,"n":1.10}'), headers }
  const [shown] = consoleRecordsOf({ ...ends, records: [record] })
  expect(shown?.raw).toEqual({
    key: { base64: '/w==' },
    headers: [
      { name: 'h', value: { text: '1' } },
      { name: 'h', value: { base64: 'ww==' } },
      { name: 'none', value: null },
    ],
    value: { text: '{"n":1,"n":1.10}' },
  })
  expect(shown?.value).toEqual({ n: 1.1 })
})

it('puts a batch that cannot be decoded in its place', () => {
  const record = (offset: number) => ({ ...place, offset, key: null, value: null, headers: [] })
  const batch = { baseOffset: 4, lastOffset: 7, error: new Error('broken'), bytes: Buffer.of(1), sizeInBytes: 70 }
  const fetched = { ...ends, records: [record(3), record(8)], undecodable: [{ ...place, ...batch }] }
  expect(consoleRecordsOf(fetched)).toMatchObject([
    { offset: 3 },
    { offset: 4, size: 70, undecodable: { lastOffset: 7, reason: 'broken', bytes: { base64: 'AQ==' } } },
    { offset: 8 },
  ])
})
