import { pino } from 'pino'
import { expect, it } from 'vitest'
import { newCorrelationId } from '../src/commands/correlation-id.ts'
import { Replies } from '../src/commands/replies.ts'
import { headers } from './support/definition.ts'

const now = 1_795_477_548_984

function reply(correlationId: string, body: string) {
  const texts = { [headers.correlationId]: correlationId, [headers.identity]: 'ada', [headers.status]: '200' }
  const place = { topic: 'replies', partition: 0, offset: 0, timestamp: now, key: Buffer.from(correlationId) }
  const wire = Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { ...place, value: Buffer.from(body), headers: wire }
}

it('knows that the newest reply that it dropped may still be on the log', () => {
  // It took the time of the last one dropped for the first that is whole: that reply was called pending for ten minutes.
  const clock = { now: () => now, elapsed: () => 0 }
  const replies = new Replies({ headers, maxBytes: 500, clock, logger: pino({ level: 'silent' }) })
  const [first, second] = [newCorrelationId({ now: () => now - 2 }), newCorrelationId({ now: () => now - 1 })]
  replies.onRecord(reply(first, '1'))
  expect(replies.isComplete(now - 2)).toBe(true)
  replies.onRecord(reply(second, '2'))
  expect([replies.get(first, 'ada'), replies.isComplete(now - 2)]).toEqual([undefined, false])
  expect([replies.get(second, 'ada')?.body, replies.isComplete(now - 1)]).toEqual(['2', true])
})

it('does not call a reply pending that came before it began, until it has read those', () => {
  const clock = { now: () => now, elapsed: () => 0 }
  const replies = new Replies({ headers, maxBytes: 500, clock, logger: pino({ level: 'silent' }) })
  replies.awaitEarlier(now)
  // The clock of the gateway that made the id may be ahead.
  expect([replies.isComplete(now), replies.isComplete(now + 59_999), replies.isComplete(now + 60_001)]).toEqual([
    false,
    false,
    true,
  ])
  replies.haveEarlier()
  expect(replies.isComplete(now)).toBe(true)
})
