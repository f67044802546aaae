import { expect, it } from 'vitest'
import { SseCount } from '../load/sse-count.ts'
import { eventId, type SseDone } from '../load/sse-job.ts'

const frame = () => `id: news:AAAA:1:0\ndata: {"id":"${eventId()}"}\n\n`

it.each([true, false])('counts an event once, wherever the bytes are split (timed: %s)', (isTimed) => {
  const text = frame() + frame() + frame()
  for (let at = 1; at < text.length; at++) {
    const count = new SseCount()
    const take = count.stream()
    let done: SseDone | undefined
    count.expect({ type: 'expect', events: 3, isTimed, timeoutMs: 1 }, (told) => {
      done = told
    })
    take(text.slice(0, at))
    take(text.slice(at, -2))
    expect(done === undefined).toBe(isTimed)
    take(text.slice(-2))
    expect(done?.tookMs).toHaveLength(isTimed ? 3 : 0)
  }
})

it('is done when the last of the streams has received all, and does not count heartbeats', () => {
  const count = new SseCount()
  const [one, other] = [count.stream(), count.stream()]
  const done: SseDone[] = []
  count.expect({ type: 'expect', events: 2, isTimed: false, timeoutMs: 1 }, (told) => done.push(told))
  one(frame() + frame())
  other(`${frame()}id: news:AAAA:1:0\n\n`)
  expect([done.length, count.waiting]).toEqual([0, 1])
  other(frame())
  expect([done.length, count.waiting]).toEqual([1, 0])
  one(frame())
  expect(done).toHaveLength(1)
})
