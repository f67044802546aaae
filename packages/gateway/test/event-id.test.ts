import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newCorrelationId, timeOfCorrelationId } from '../src/commands/correlation-id.ts'
import {
  eventIdPattern,
  formatEventId,
  longestEventId,
  mostPartitions,
  parseEventId,
  shortTopicId,
} from '../src/shared/event-id.ts'
import { encodeEvent, encodeHeartbeat } from '../src/shared/frames.ts'

const topicId = shortTopicId('6ba7b810-9dad-11d1-80b4-00c04fd430c8')

describe('an event id', () => {
  it('comes back as it was, whatever the offsets', () => {
    const offsets = fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(offsets, fc.nat({ max: 4e12 }), (numbers, time) => {
        const position = { view: 'sent-payment-requests', topicId, time, offsets: numbers }
        expect(parseEventId(formatEventId(position))).toEqual(position)
      }),
    )
  })

  it('stays within 255 bytes for as many partitions as are allowed', () => {
    const view = 'sent-payment-requests'
    const offsets = Array.from({ length: mostPartitions(view) }, () => 36 ** 8 - 1)
    expect(offsets.length).toBeGreaterThan(16)
    expect(formatEventId({ view, topicId, time: 4e12, offsets }).length).toBeLessThanOrEqual(longestEventId)
  })

  it.each([
    '',
    'x',
    'a:b:c:d',
    `v:${topicId}:zz:-1`,
    `v:${topicId}:zz:1,,2`,
    `v:${topicId}:zz:01`,
    `:${topicId}:1:1`,
    `v:${topicId}:1:1:1`,
    'x'.repeat(300),
  ])('%j is none', (text) => {
    expect(parseEventId(text)).toBeUndefined()
  })

  it('looks as the documents say, and whatever looks so is one', () => {
    const pattern = new RegExp(eventIdPattern('payment-requests.id'), 'u')
    const position = { view: 'payment-requests.id', topicId, time: 4e12, offsets: [0, 36 ** 10 - 1] }
    expect(formatEventId(position)).toMatch(pattern)
    expect(formatEventId({ ...position, view: 'payment-requests-id' })).not.toMatch(pattern)
    fc.assert(
      fc.property(fc.stringMatching(pattern, { maxLength: longestEventId }), (text) => {
        expect(text === '' || parseEventId(text)?.view === 'payment-requests.id', text).toBe(true)
      }),
    )
  })

  it('is parsed or refused, from any text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseEventId(text)))
  })
})

describe('an event on the wire', () => {
  it('keeps line breaks of the data as lines of data', () => {
    expect(encodeEvent({ id: '1', event: 'delete', data: 'a\nb\r\nc' }).toString()).toBe(
      'event: delete\nid: 1\ndata: a\ndata: b\ndata: c\n\n',
    )
  })

  it('is a heartbeat if it has only an id', () => {
    expect(encodeHeartbeat('7').toString()).toBe('id: 7\n\n')
  })
})

describe('a correlation id', () => {
  it('tells the time of its request', () => {
    const id = newCorrelationId({ now: () => 1_795_477_548_984 })
    expect(timeOfCorrelationId(id)).toBe(1_795_477_548_984)
  })

  it('is new each time', () => {
    const clock = { now: () => 1 }
    expect(newCorrelationId(clock)).not.toBe(newCorrelationId(clock))
  })

  it('is nothing else than a UUIDv7', () => {
    expect(timeOfCorrelationId('6ba7b810-9dad-41d1-80b4-00c04fd430c8')).toBeUndefined()
    expect(timeOfCorrelationId('../../etc')).toBeUndefined()
  })
})
