import { headerNames, idempotencyKeptMs, topicNames } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { type Facts, refusalOf, safetyMarginMs } from '../src/judge.ts'
import type { Letter } from '../src/letters.ts'

const now = Date.UTC(2026, 10, 5)
const kept = idempotencyKeptMs - safetyMarginMs
const facts: Facts = { now, firstAttemptAt: undefined, holdsAllAttempts: true, newerVersion: undefined }

type Change = { topic?: string; at?: number; key?: string | null; idempotencyKey?: string; truncated?: number }

function letter({
  topic = topicNames.commands,
  at = now,
  key = 'ann',
  idempotencyKey,
  truncated,
}: Change = {}): Letter {
  const bytes = key === null ? null : Buffer.from(key)
  const place = { topic: topicNames.deadLetters, partition: 2, offset: 17 }
  return {
    id: '2/17',
    origin: { topic, partition: 2, offset: 5 },
    reason: 'no',
    stack: undefined,
    cut: undefined,
    unanswered: undefined,
    undecodable: undefined,
    truncatedFromBytes: truncated,
    headers: { [headerNames.idempotencyKey]: Buffer.from(idempotencyKey ?? 'k') },
    record: { ...place, timestamp: at, key: bytes, value: null, headers: [] },
  }
}

describe('a dead letter of commands', () => {
  it.each([
    ['that is as old as keys are kept, less an hour', letter({ at: now - kept }), facts],
    ['whose key was first used that long ago', letter({ at: now - 5 }), { ...facts, firstAttemptAt: now - kept }],
    ['that is from a clock ahead of ours', letter({ at: now + 60_000 }), facts],
    ['that something newer of its key came after', letter(), { ...facts, newerVersion: 'users/2/9' }],
    ['with the longest key there is', letter({ idempotencyKey: 'x'.repeat(255) }), facts],
  ])('%s may be put back', (_what, one, known) => {
    expect(refusalOf(one, known)).toBeUndefined()
  })

  it.each([
    ['that is older', letter({ at: now - kept - 1 }), facts, 'it is from 2026-11-04T00:59:59.999Z'],
    [
      'whose key was first used before that',
      letter({ at: now - 5 }),
      { ...facts, firstAttemptAt: now - kept - 1 },
      'the first command with its idempotency key is from 2026-11-04T00:59:59.999Z',
    ],
    [
      'whose earlier attempts may be gone',
      letter(),
      { ...facts, holdsAllAttempts: false },
      'no longer has the 24 hours',
    ],
    ['that was cut', letter({ truncated: 1_040_000 }), facts, 'cut from 1040000 bytes'],
    ['without a key', letter({ key: null }), facts, 'it has no key'],
    ['without an idempotency key', letter({ idempotencyKey: '' }), facts, 'it has no idempotency-key'],
    [
      'whose idempotency key is too long',
      letter({ idempotencyKey: 'x'.repeat(256) }),
      facts,
      'it has no idempotency-key of 1 to 255 characters',
    ],
  ])('%s is refused', (_what, one, known, reason) => {
    expect(refusalOf(one, known)).toContain(reason)
  })
})

describe('a dead letter of users', () => {
  const old = letter({ topic: topicNames.users, at: now - 20 * idempotencyKeptMs, idempotencyKey: '' })

  it('may be put back at any age, since it is the same record again', () => {
    expect(refusalOf(old, facts)).toBeUndefined()
  })

  it('is refused if it would undo a newer record', () => {
    expect(refusalOf(old, { ...facts, newerVersion: 'users/2/9' })).toBe(
      'it would overwrite users/2/9, a newer record of its key',
    )
  })
})

it.each([topicNames.transactions, topicNames.replies, topicNames.requestsRepartition, 'elsewhere'])(
  'a dead letter that claims to come from %s is refused',
  (topic) => expect(refusalOf(letter({ topic }), facts)).toContain('only commands and users can be written again'),
)
