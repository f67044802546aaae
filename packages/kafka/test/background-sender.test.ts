import { describe, expect, it, vi } from 'vitest'
import { openBackgroundSender, type RecordMetadata, type RecordToSend } from '../src/index.ts'

const record = (n: number): RecordToSend => ({ topic: 'spans', key: String(n), value: '{}' })

function opened({ mostRecords = 100 } = {}) {
  const sent: (readonly RecordToSend[])[] = []
  const dropped: [number, unknown][] = []
  const answers: PromiseWithResolvers<RecordMetadata[]>[] = []
  const send = (records: readonly RecordToSend[]) => {
    sent.push(records)
    const answer = Promise.withResolvers<RecordMetadata[]>()
    answers.push(answer)
    return answer.promise
  }
  const sender = openBackgroundSender({
    producer: { send },
    everyMs: 1,
    mostRecords,
    onDropped: (count, reason) => dropped.push([count, reason]),
  })
  return { sender, sent, dropped, answers }
}

describe('a background sender', () => {
  it('sends in one batch what comes together', async () => {
    const { sender, sent } = opened()
    for (const n of [1, 2, 3]) sender.add(record(n))
    await vi.waitFor(() => expect(sent).toHaveLength(1))
    expect(sent[0]?.map(({ key }) => key)).toEqual(['1', '2', '3'])
    sender.add(record(4))
    await vi.waitFor(() => expect(sent).toHaveLength(2))
  })

  it('drops and counts records beyond its bound, also while some are under way', async () => {
    const { sender, sent, dropped, answers } = opened({ mostRecords: 2 })
    for (const n of [1, 2, 3]) sender.add(record(n))
    expect(dropped).toEqual([[1, undefined]])
    await vi.waitFor(() => expect(sent).toHaveLength(1))
    sender.add(record(4))
    expect(dropped).toHaveLength(2)
    answers[0]?.resolve([])
    await vi.waitFor(() => {
      sender.add(record(5))
      expect(sent).toHaveLength(2)
    })
  })

  it('reports why the log refused some, and continues', async () => {
    const { sender, sent, dropped, answers } = opened()
    sender.add(record(1))
    await vi.waitFor(() => expect(sent).toHaveLength(1))
    const reason = new Error('away')
    answers[0]?.reject(reason)
    await vi.waitFor(() => expect(dropped).toEqual([[1, reason]]))
    sender.add(record(2))
    await vi.waitFor(() => expect(sent).toHaveLength(2))
  })

  it('sends what is left when it is closed, and waits for it', async () => {
    const { sender, sent, answers } = opened()
    sender.add(record(1))
    let isClosed = false
    const closing = sender.close().then(() => {
      isClosed = true
    })
    expect(sent).toHaveLength(1)
    await Promise.resolve()
    expect(isClosed).toBe(false)
    answers[0]?.resolve([])
    await closing
  })
})
