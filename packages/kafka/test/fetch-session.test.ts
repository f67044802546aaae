import { expect, it } from 'vitest'
import { FetchSession } from '../src/reader/fetch-session.ts'

const wanted = (offsets: readonly number[]) =>
  offsets.map((offset, partition) => ({ topic: 'events', partition, offset, partitionMaxBytes: 10 }))
const ids = ({ sessionId, sessionEpoch }: { readonly sessionId: number; readonly sessionEpoch: number }) => [
  sessionId,
  sessionEpoch,
]
const partitionsOf = ({ topics }: ReturnType<FetchSession['ask']>) =>
  topics.flatMap(({ partitions }) => partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset]))

function opened(): FetchSession {
  const session = new FetchSession()
  for (let n = 0; n < 3; n++) {
    session.ask(wanted([0, 0, 0, 0]))
    session.answered(n === 2 ? 7 : 0)
  }
  return session
}

it('asks for a session once it requests the same partitions again and again', () => {
  const session = new FetchSession()
  const asked = [1, 2, 3].map(() => {
    const question = session.ask(wanted([0, 0, 0, 0]))
    session.answered(0)
    return [...ids(question), partitionsOf(question).length]
  })
  expect(asked).toEqual([
    [0, -1, 4],
    [0, -1, 4],
    [0, 0, 4],
  ])
  // The broker had no session to give: all partitions again.
  expect(ids(session.ask(wanted([0, 0, 0, 0])))).toEqual([0, 0])
})

it('never asks for one for a few partitions', () => {
  const session = new FetchSession()
  const epochs = [1, 2, 3, 4, 5].map(() => session.ask(wanted([0, 0, 0])).sessionEpoch)
  expect(new Set(epochs)).toEqual(new Set([-1]))
})

it('names what has changed, what came and what is gone', () => {
  const session = opened()
  const first = session.ask(wanted([0, 5, 0, 0]))
  expect([ids(first), partitionsOf(first), first.forgottenTopicsData]).toEqual([[7, 1], [[1, 5]], []])
  session.answered(7)
  const second = session.ask(wanted([0, 5]))
  expect([ids(second), partitionsOf(second)]).toEqual([[7, 2], []])
  expect(second.forgottenTopicsData).toEqual([{ topic: 'events', partitions: [2, 3] }])
  session.answered(7)
  const third = session.ask(wanted([0, 5, 0]))
  expect([ids(third), partitionsOf(third)]).toEqual([[7, 3], [[2, 0]]])
})

it('begins again when the state of the broker is unknown', () => {
  const session = opened()
  session.ask(wanted([1, 1, 1, 1]))
  session.forget()
  const question = session.ask(wanted([1, 1, 1, 1]))
  expect([ids(question), partitionsOf(question).length]).toEqual([[0, -1], 4])
})

it('begins again when the answer is of another session', () => {
  const session = opened()
  session.ask(wanted([1, 1, 1, 1]))
  session.answered(0)
  expect(ids(session.ask(wanted([1, 1, 1, 1])))).toEqual([0, -1])
})
