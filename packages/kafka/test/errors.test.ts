import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorTable } from '../src/errors.ts'
import {
  AbortableError,
  BrokerError,
  exitCodeOf,
  FencedError,
  KafkaError,
  OffsetOutOfRangeError,
  UnknownOutcomeError,
} from '../src/index.ts'
import { PendingSend } from '../src/producer/pending-send.ts'
import { errors } from '../src/wire/index.ts'

describe('the error table', () => {
  it('is the one that README.md shows', () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    // Settings stand in a table of their own above.
    const shown = readme
      .slice(readme.indexOf('\n## Errors\n'))
      .split('\n')
      .filter((line) => line.startsWith('| `KAFKA_'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, code, retriable, meaning]) => [code, retriable, meaning])
    const stated = Object.entries(errorTable).map(([code, row]) => [
      `\`${code}\``,
      row.retriable ? 'yes' : 'no',
      row.meaning,
    ])
    expect(shown).toEqual(stated)
  })

  it('gives every class its row', () => {
    const gap = { topic: 't', partition: 0, offset: 1, earliest: 5, latest: 9 }
    const thrown = [
      new AbortableError('x'),
      new FencedError('x'),
      new UnknownOutcomeError('x'),
      new OffsetOutOfRangeError(gap),
      new BrokerError(errors.NOT_COORDINATOR, 'asking'),
    ]
    for (const error of thrown) {
      expect(error).toBeInstanceOf(KafkaError)
      expect(Object.keys(errorTable)).toContain(error.code)
      expect(error.name).toBe(error.constructor.name)
    }
  })

  it('takes from the protocol whether an error of the log may be temporary', () => {
    expect(new BrokerError(errors.NOT_COORDINATOR, 'asking')).toMatchObject({
      code: 'KAFKA_BROKER_ERROR',
      brokerError: 'NOT_COORDINATOR',
      retriable: true,
      message: 'asking: this server is not the coordinator (NOT_COORDINATOR)',
    })
    expect(new BrokerError(errors.MESSAGE_TOO_LARGE, 'writing').retriable).toBe(false)
  })

  // A refusal by the log became a plain KafkaError when its outcome was noted, and lost its name.
  it('keeps class, code and members of an error whose outcome or words are changed', () => {
    const gap = { topic: 't', partition: 0, offset: 1, earliest: 5, latest: 9 }
    const thrown = [
      new BrokerError(errors.NOT_COORDINATOR, 'asking'),
      new AbortableError('x'),
      new FencedError('x'),
      new UnknownOutcomeError('x'),
      new OffsetOutOfRangeError(gap),
      new KafkaError('KAFKA_TIMEOUT', 'x', { retriable: false }),
    ]
    for (const error of thrown) {
      const changed = error.restated({ outcome: 'unknown', message: 'more words' })
      expect(changed).toBeInstanceOf(error.constructor)
      expect(Error.isError(changed)).toBe(true)
      expect({ ...changed }).toEqual({ ...error, outcome: 'unknown' })
      expect([changed.message, changed.cause]).toEqual(['more words', error])
      expect(error.restated({ outcome: 'not-written' }).message).toBe(error.message)
    }
  })

  it('keeps the class of the error of a call of which other records were written', async () => {
    const send = new PendingSend(2)
    send.delivered(0, { topic: 't', partition: 0, offset: 1, timestamp: 1 })
    send.failed(new BrokerError(errors.TOPIC_AUTHORIZATION_FAILED, 'writing to u-0', { outcome: 'not-written' }))
    const failure = await send.promise.catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(BrokerError)
    expect(failure).toMatchObject({ brokerError: 'TOPIC_AUTHORIZATION_FAILED', outcome: 'unknown' })
  })

  it('names the gap of an offset out of range', () => {
    const at = { topic: 't', partition: 3, earliest: 5, latest: 9 }
    expect(new OffsetOutOfRangeError({ ...at, offset: 2 }).message).toBe('t-3: offsets 2 to 4 are gone')
    expect(new OffsetOutOfRangeError({ ...at, offset: 10 }).message).toBe('t-3: the log ends at 9, before offset 10')
  })
})

/** The parent of the process starts it again. */
const isLogAway = (error: unknown) => exitCodeOf(error) === 75

it('only a log that was not there, or not in time, is worth waiting for', () => {
  const codes = Object.keys(errorTable) as (keyof typeof errorTable)[]
  const away = codes.filter((code) => isLogAway(new KafkaError(code, '')))
  expect(away).toEqual(['KAFKA_UNAVAILABLE', 'KAFKA_CONNECTION_LOST', 'KAFKA_TIMEOUT'])
  expect(isLogAway(new Error('KAFKA_UNAVAILABLE'))).toBe(false)
})

it('a log that was not there is found behind errors of others, but not behind one of this package', () => {
  const timeout = new KafkaError('KAFKA_TIMEOUT', '')
  expect(isLogAway(new Error('the member is out of its group', { cause: timeout }))).toBe(true)
  expect(isLogAway(new Error('stopped', { cause: new Error('inner', { cause: timeout }) }))).toBe(true)
  expect(isLogAway(new Error('stopped', { cause: new FencedError('', timeout) }))).toBe(false)
  expect(isLogAway(new Error('stopped', { cause: 'KAFKA_TIMEOUT' }))).toBe(false)
})
