import { expect, it } from 'vitest'
import { faultsOf, type OutageSeen } from './outage.ts'

const answer = (status: number | undefined, ms = 100) => ({ path: '/pay', status, ms })
const stream = { name: '/balance of ada', wasOpen: true, heartbeats: 1 }
const seen: OutageSeen = { seconds: 15, answers: [answer(503), answer(429)], streams: [stream] }

it('accepts 503 and 429 in time, and streams that stay open with heartbeats', () => {
  expect(faultsOf(seen)).toEqual([])
})

it.each<[string, Partial<OutageSeen>]>([
  ['504', { answers: [answer(503), answer(504)] }],
  ['200', { answers: [answer(503), answer(200)] }],
  ['no answer', { answers: [answer(503), answer(undefined)] }],
  ['answered after 14000 ms', { answers: [answer(503, 14_000)] }],
  ['no command got 503', { answers: [] }],
  ['no command got 503', { answers: [answer(429)] }],
  ['not open', { streams: [{ ...stream, wasOpen: false }] }],
  ['fewer than 1 heartbeats', { streams: [stream, { ...stream, heartbeats: 0 }] }],
  ['no stream was open', { streams: [] }],
])('does not accept: %s', (words, changes) => {
  expect(faultsOf({ ...seen, ...changes })).toEqual([expect.stringContaining(words)])
})

it('requires as many heartbeats as the time has intervals', () => {
  expect(faultsOf({ ...seen, seconds: 60 })).toHaveLength(1)
  expect(faultsOf({ ...seen, seconds: 60, streams: [{ ...stream, heartbeats: 4 }] })).toEqual([])
  expect(faultsOf({ seconds: 5, answers: [], streams: [{ ...stream, heartbeats: 0 }] })).toEqual([])
})
