import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  commandBodyErrors,
  type DomainModel,
  domainModels,
  isDomainModel,
  matches,
  maxAmountCents,
} from '../src/index.ts'

const models = Object.keys(domainModels) as DomainModel[]

const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '',
    'x'.repeat(255),
    'x'.repeat(256),
    'x'.repeat(500),
    'x'.repeat(501),
    '💸'.repeat(255),
    '💸'.repeat(256),
    '💸'.repeat(500),
    '💸'.repeat(501),
    'two\nlines',
    '\u202eevil',
    '\u0000',
    '\ud800',
  ),
)
const amounts = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1, maxAmountCents, maxAmountCents + 1))
const anything = fc.oneof(text, amounts, fc.jsonValue())
const bodies = fc.oneof(
  fc.jsonValue(),
  fc.record(
    { userId: anything, amount: anything, notes: anything, requestId: anything, visibility: anything, more: anything },
    { requiredKeys: [] },
  ),
  fc.record(
    {
      userId: text,
      amount: amounts,
      notes: text,
      requestId: text,
      visibility: fc.constantFrom<unknown>('public', 'private', 'Private', '', null),
    },
    { requiredKeys: ['userId', 'amount'] },
  ),
)

describe('the rules of a body', () => {
  it.each(models)('accept exactly what the schema of %s accepts', (model) => {
    fc.assert(
      fc.property(bodies, (body) => {
        expect(commandBodyErrors(model, body).length === 0).toBe(matches(domainModels[model], body))
      }),
      { numRuns: 500 },
    )
  })

  it.each<[unknown, string[]]>([
    [null, ['']],
    [[], ['']],
    ['text', ['']],
    [{}, ['userId', 'amount']],
    [{ userId: '', amount: 0 }, ['userId', 'amount']],
    [{ userId: 'x'.repeat(256), amount: 1, notes: null }, ['userId', 'notes']],
    [{ userId: 'ann', amount: 1, notes: 'x'.repeat(501), requestId: '' }, ['notes', 'requestId']],
    [{ userId: 'a\ud800', amount: 1, requestId: '\udc00' }, ['userId', 'requestId']],
    [{ userId: 'ann', amount: 1, visibility: 'friends' }, ['visibility']],
    [JSON.parse('{"userId":"ann","amount":1,"__proto__":{}}'), ['__proto__']],
  ])('name every field of %j that is wrong, once', (body, fields) => {
    expect(commandBodyErrors('PayCommand', body).map((error) => error.field)).toEqual(fields)
  })

  it('are bounded', () => {
    const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${i}`.repeat(400), i]))
    const errors = commandBodyErrors('PayCommand', wide)
    expect(errors).toHaveLength(20)
    expect(Math.max(...errors.map((error) => error.field.length))).toBe(255)
  })
})

describe('the name of a command', () => {
  it.each(['MintCommand', 'constructor', '__proto__', ''])('is not %j', (name) => {
    expect(isDomainModel(name)).toBe(false)
  })
})
