import { describe, expect, it } from 'vitest'
import { formatEventId } from '../../packages/gateway/src/shared/event-id.ts'
import { encodeEvent, encodeHeartbeat, encodeRetry } from '../../packages/gateway/src/shared/frames.ts'
import { EventStreamParser, offsetsOf } from './event-stream.ts'

const id = formatEventId({ view: 'users', topicId: 'x'.repeat(22), time: 1, offsets: [35, 36, 0] })
const stream = Buffer.concat([
  encodeRetry(2_000),
  encodeEvent({ id: 'a', data: '{"n":1}' }),
  encodeHeartbeat('b'),
  encodeEvent({ id: 'c', event: 'delete', data: 'r1' }),
  encodeEvent({ event: 'reset', data: 'two\nlines' }),
]).toString()

const events = [
  { event: 'message', data: '{"n":1}', lastEventId: 'a' },
  { event: 'message', data: undefined, lastEventId: 'b' },
  { event: 'delete', data: 'r1', lastEventId: 'c' },
  { event: 'reset', data: 'two\nlines', lastEventId: 'c' },
]

describe('the parser', () => {
  it('gives the events that a gateway has written, however the bytes are divided into chunks', () => {
    expect(new EventStreamParser('').push(stream)).toEqual(events)
    const parser = new EventStreamParser('')
    expect([...stream].flatMap((char) => parser.push(char))).toEqual(events)
  })

  it('gives nothing of an event that was not finished, and does not take its id', () => {
    const parser = new EventStreamParser('before')
    expect(parser.push('id: half\ndata: {"n"')).toEqual([])
    expect(new EventStreamParser('before').push('data: 1\n\n')).toEqual([
      { event: 'message', data: '1', lastEventId: 'before' },
    ])
  })
})

it('reads the next offsets from an event id', () => {
  expect(offsetsOf(id)).toEqual([35, 36, 0])
  expect(() => offsetsOf('nonsense')).toThrow('is not a position')
})
