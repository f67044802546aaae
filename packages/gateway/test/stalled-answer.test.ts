/** When an answer counts as not being taken. By its clock alone: on a real one each of these would take a minute. */
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { timeAnswer } from '../src/http/connections.ts'

const stalledMs = 60_000

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function answer({ waiting, window = 0 }: { waiting: number; window?: number }) {
  const session = { state: { remoteWindowSize: window } }
  const stream = Object.assign(new EventEmitter(), { bufferSize: waiting, session })
  const giveUp = vi.fn(() => void stream.emit('close'))
  timeAnswer(stream, stalledMs, giveUp)
  return { stream, session, giveUp }
}

it('is given up when nothing of it is taken for its time, and not before', () => {
  const { giveUp } = answer({ waiting: 1_000 })
  vi.advanceTimersByTime(stalledMs)
  expect(giveUp).not.toHaveBeenCalled()
  vi.advanceTimersByTime(stalledMs / 2)
  expect(giveUp).toHaveBeenCalledTimes(1)
  expect(vi.getTimerCount()).toBe(0)
})

it.each<[string, (parts: ReturnType<typeof answer>) => void]>([
  ['less of it waits', ({ stream }) => stream.bufferSize--],
  ['the client has given room', ({ session }) => session.state.remoteWindowSize++],
  ['nothing of it waits', ({ stream }) => (stream.bufferSize = 0)],
])('stays as long as %s', (_what, take) => {
  const parts = answer({ waiting: 1_000 })
  for (let times = 0; times < 20; times++) {
    take(parts)
    vi.advanceTimersByTime(stalledMs - 1)
  }
  expect(parts.giveUp).not.toHaveBeenCalled()
})

it('is given up though more is added to it', () => {
  const { stream, giveUp } = answer({ waiting: 1_000 })
  for (let times = 0; times < 20; times++) {
    stream.bufferSize++
    vi.advanceTimersByTime(stalledMs / 8)
  }
  expect(giveUp).toHaveBeenCalledTimes(1)
})

it('leaves no timer behind when the stream is closed', () => {
  const { stream } = answer({ waiting: 1_000 })
  stream.emit('close')
  expect(vi.getTimerCount()).toBe(0)
})
