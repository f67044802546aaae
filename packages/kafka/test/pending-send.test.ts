/** A call that is told too early, twice or wrongly that nothing was written makes its caller lose or repeat records. */
import { describe, expect, it } from 'vitest'
import { KafkaError } from '../src/index.ts'
import { PendingSend } from '../src/producer/pending-send.ts'

const written = (offset: number) => ({ topic: 't', partition: 0, offset, timestamp: 1 })
const refused = () => new KafkaError('KAFKA_INVALID_ARGUMENT', 'refused', { outcome: 'not-written' })
const lost = () => new KafkaError('KAFKA_CONNECTION_LOST', 'lost', { outcome: 'unknown' })
/** An error that says nothing about what is on the log. */
const silent = () => new KafkaError('KAFKA_CLOSED', 'closed')

describe('a call with several records', () => {
  it('answers when the last of them has its answer, each in its place', async () => {
    const send = new PendingSend(3)
    let isSettled = false
    void send.promise.then(() => {
      isSettled = true
    })
    send.delivered(2, written(12))
    send.delivered(0, written(10))
    await new Promise(setImmediate)
    expect(isSettled).toBe(false)
    send.delivered(1, written(11))
    expect(await send.promise).toEqual([written(10), written(11), written(12)])
  })

  it.each([
    ['all were refused', [refused(), refused()], { code: 'KAFKA_INVALID_ARGUMENT', outcome: 'not-written' }],
    ['one was refused and one was written', [refused(), 1], { code: 'KAFKA_INVALID_ARGUMENT', outcome: 'unknown' }],
    ['one was written and one was refused', [1, refused()], { code: 'KAFKA_INVALID_ARGUMENT', outcome: 'unknown' }],
    [
      'one was refused and one may be written',
      [refused(), lost()],
      { code: 'KAFKA_INVALID_ARGUMENT', outcome: 'unknown' },
    ],
    [
      'one was refused and one says nothing',
      [refused(), silent()],
      { code: 'KAFKA_INVALID_ARGUMENT', outcome: 'unknown' },
    ],
    [
      'one may be written and one was refused',
      [lost(), refused()],
      { code: 'KAFKA_CONNECTION_LOST', outcome: 'unknown' },
    ],
    ['one was written and one may be', [1, lost()], { code: 'KAFKA_CONNECTION_LOST', outcome: 'unknown' }],
  ])('fails with the first failure, and says what is known: %s', async (_, answers, failure) => {
    const send = new PendingSend(answers.length)
    for (const [index, answer] of answers.entries()) {
      if (typeof answer === 'number') send.delivered(index, written(answer))
      else send.failed(answer)
    }
    await expect(send.promise).rejects.toMatchObject(failure)
  })

  it('fails only when the others have their answers, too', async () => {
    const send = new PendingSend(2)
    let isSettled = false
    send.promise.catch(() => {
      isSettled = true
    })
    send.failed(refused())
    await new Promise(setImmediate)
    expect(isSettled).toBe(false)
    send.delivered(1, written(1))
    await expect(send.promise).rejects.toMatchObject({ outcome: 'unknown' })
  })

  it.each([
    ['that says that nothing was written', refused(), []],
    ['that says that something may be', lost(), [1]],
    ['that says nothing about it', silent(), [1]],
  ])('passes an error on as it is, if nothing has to be added to it: one %s', async (_, failure, offsets) => {
    const send = new PendingSend(offsets.length + 1)
    send.failed(failure)
    for (const offset of offsets) send.delivered(1, written(offset))
    await expect(send.promise).rejects.toBe(failure)
  })
})
