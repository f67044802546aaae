import { errors } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../src/log/index.ts'
import { checkTopicConfig } from '../src/topics/check-topic-config.ts'
import { configDefinitions, logSettings } from '../src/topics/topic-config.ts'
import { checkTopicName } from '../src/topics/topic-name.ts'

describe('topic configuration', () => {
  it('has defaults that pass its own checks', () => {
    const checked = configDefinitions.filter((definition) => definition.default !== '')
    expect(() =>
      checkTopicConfig(Object.fromEntries(checked.map(({ name, default: value }) => [name, value]))),
    ).not.toThrow()
  })

  it.each([
    ['retention.ms', '-1', 'without limit'],
    ['retention.ms', '9223372036854775807', "Kafka's largest long"],
    ['cleanup.policy', 'compact, delete', 'both policies'],
    ['min.cleanable.dirty.ratio', '1', 'the upper limit'],
    ['segment.bytes', '14', 'the lower limit'],
  ])('takes %s=%s (%s)', (name, value) => {
    expect(() => checkTopicConfig({ [name]: value })).not.toThrow()
  })

  it.each([
    ['retention.ms', '-2', 'Invalid value -2 for configuration retention.ms: expected at least -1'],
    ['retention.ms', '1.5', 'Invalid value 1.5 for configuration retention.ms: expected a whole number'],
    [
      'segment.bytes',
      '2147483648',
      'Invalid value 2147483648 for configuration segment.bytes: expected at most 2147483647',
    ],
    [
      'min.cleanable.dirty.ratio',
      '1.1',
      'Invalid value 1.1 for configuration min.cleanable.dirty.ratio: expected at most 1',
    ],
    ['cleanup.policy', 'shrink', 'Invalid value shrink for configuration cleanup.policy: expected delete, compact'],
    ['message.timestamp.type', 'Never', /expected CreateTime or LogAppendTime$/],
    ['preallocate', 'yes', /expected true or false$/],
    ['nonsense', '1', 'Unknown topic config name: nonsense'],
  ])('refuses %s=%s and says why', (name, value, message) => {
    const refusal = catchError(() => checkTopicConfig({ [name]: value }))
    expect(refusal.code).toBe(errors.INVALID_CONFIG)
    if (typeof message === 'string') expect(refusal.message).toBe(message)
    else expect(refusal.message).toMatch(message)
  })

  it('means what it says', () => {
    expect(logSettings({ 'cleanup.policy': 'compact', 'retention.bytes': '5' })).toMatchObject({
      compact: true,
      delete: false,
      retentionBytes: 5,
      retentionMs: 604_800_000,
      maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
    })
  })
})

describe('topic names', () => {
  it.each(['a', 'A-b_c.9', 'x'.repeat(249), '__consumer_offsets'])('may be %s', (name) => {
    expect(() => checkTopicName(name)).not.toThrow()
  })

  it.each(['', '.', '..', 'a b', 'ü', 'a/b', 'x'.repeat(250)])('may not be "%s"', (name) => {
    expect(catchError(() => checkTopicName(name)).code).toBe(errors.INVALID_TOPIC_EXCEPTION)
  })
})

function catchError(work: () => void): ApiError {
  try {
    work()
  } catch (error) {
    if (error instanceof ApiError) return error
  }
  throw new Error('nothing was refused')
}
