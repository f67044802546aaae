import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrictJson, parseStrictText } from '../src/index.ts'

const bytes = (...parts: readonly (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))))

describe('what is read', () => {
  it.each([
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}',
    '[[],{},"",0,-1,9007199254740991,-9007199254740991,0.5,-2.5e-3]',
    ' { "x" : "a\\"b,{}[]:1.0" , "y" : "\\\\" } ',
    '"12.0"',
    'null',
    '{"":{"":1}}',
    '{"\\u0061":1,"b":2}',
  ])('%s is what JSON.parse makes of it', (text) => {
    expect(parseStrictText(text)).toEqual({ value: JSON.parse(text) })
  })

  it('skips a byte order mark', () => {
    expect(parseStrictJson(bytes(0xef, 0xbb, 0xbf, '{"a":1}'))).toEqual({ value: { a: 1 } })
    expect(parseStrictText('\ufeff{"a":1}')).toEqual({ fault: { field: '', message: 'is not valid JSON' } })
  })

  it('is every value that JSON.stringify writes, as long as its numbers are exact', () => {
    const exact = fc.jsonValue().filter((value) => !/\d[eE.]|-0\b|\d{16}/.test(JSON.stringify(value)))
    const noPrototype = exact.filter((value) => !JSON.stringify(value).includes('__proto__'))
    fc.assert(
      fc.property(noPrototype, (value) => {
        expect(parseStrictJson(Buffer.from(JSON.stringify(value)))).toEqual({
          value: JSON.parse(JSON.stringify(value)),
        })
      }),
    )
  })
})

describe('a text that is as JSON.stringify would write it', () => {
  const numbers = [
    '0',
    '-0',
    '1',
    '0.5',
    '1e3',
    '1e+21',
    '9007199254740991',
    '9007199254740992',
    '0.1',
    '123456789012345.6',
  ]
  const names = ['a', 'b', '1', '__proto__', '\\u0061', 'constructor']
  const name = fc.constantFrom(...names)
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...numbers, 'null', 'true', '"x"', '"1e9"', '"\\ud800"'),
      fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map((members) => {
        return `{${members.map(([key, of]) => `"${key}":${of}`).join(',')}}`
      }),
    ),
  }))

  it('is read, or refused, as one that is written otherwise', () => {
    fc.assert(
      fc.property(value, (text) => {
        // The characters around it don't change its meaning, but are never written.
        expect(parseStrictText(text)).toEqual(parseStrictText(` ${text}`))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([4_096, 4_098])('is read, or refused, as one that is written otherwise, at %d characters', (length) => {
    const deep = `${'['.repeat(length / 2)}${']'.repeat(length / 2)}`
    expect('value' in parseStrictText(deep)).toBe('value' in parseStrictText(` ${deep}`))
    const repeated = `{"a":"${'x'.repeat(length - 14)}","a":1}`
    expect(repeated).toHaveLength(length)
    expect(parseStrictText(repeated)).toEqual({ fault: { field: 'a', message: 'appears more than once' } })
  })
})

describe('a number', () => {
  it.each([
    '1.0000000000000000000001',
    '0.99999999999999999999999',
    '1e-400',
    '-1e-400',
    '10000000000000000000000001e-25',
    '9007199254740991.0001',
  ])('%s is no integer, and does not become one', (number) => {
    const message = 'is not a whole number, but would be rounded to one'
    expect(parseStrictText(`{"amount":${number}}`)).toEqual({ fault: { field: 'amount', message } })
  })

  it.each([
    ['12.0', 12],
    ['1e2', 100],
    ['1.5E+1', 15],
    ['100e-2', 1],
    ['0.0', 0],
    ['0e0', 0],
    ['0.5', 0.5],
    ['-12.50', -12.5],
    ['9007199254740991.0', Number.MAX_SAFE_INTEGER],
  ])('%s is %d, however it is written', (number, value) => {
    expect(parseStrictText(`[${number}]`)).toEqual({ value: [value] })
  })

  it.each(['-0', '-0.0', '-0e1'])('%s is no amount', (number) => {
    expect(parseStrictText(`[${number}]`)).toEqual({ fault: { field: '0', message: 'must be 0, not -0' } })
  })

  it.each(['9007199254740992', '9007199254740993', '-9007199254740993', '1'.repeat(400), '1e999', '-1e16'])(
    '%s loses digits',
    (number) => {
      const message = 'has more digits than can be kept exactly'
      expect(parseStrictText(`{"a":{"b":[0,${number}]}}`)).toEqual({ fault: { field: 'a.b.1', message } })
    },
  )
})

describe('a member', () => {
  it.each([
    ['{"amount":1,"amount":2}', 'amount'],
    ['{"amount":1,"amount":1}', 'amount'],
    ['{"a":{"x":1,"x":2}}', 'a.x'],
    ['[0,{"x":1,"y":{},"x":2}]', '1.x'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"":1,"":2}', ''],
    ['{"a":"\\"","a":1}', 'a'],
  ])('of %s stands there twice', (text, path) => {
    expect(parseStrictText(text)).toEqual({ fault: { field: path, message: 'appears more than once' } })
  })

  it('does not set the prototype of anything', () => {
    const fault = { field: '__proto__', message: 'is not a name that is accepted' }
    expect(parseStrictText('{"__proto__":{"a":1}}')).toEqual({ fault })
    expect(parseStrictText('{"__pr\\u006fto__":{"a":1}}')).toEqual({ fault })
  })
})

describe('bytes', () => {
  it.each([
    ['a byte of Latin-1', bytes('{"a":"', 0xe4, '"}')],
    ['a sequence that ends early', bytes('{"a":"', 0xe2, 0x82, '"}')],
    ['a longer form than needed', bytes('{"a":"', 0xc0, 0xaf, '"}')],
    ['half of a surrogate pair', bytes('{"a":"', 0xed, 0xa0, 0x80, '"}')],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le').subarray(0, -1)],
  ])('with %s are refused', (_what, body) => {
    const { fault } = parseStrictJson(body) as { fault: { field: string; message: string } }
    expect(fault.field).toBe('')
    expect(fault.message).toMatch(/is not (UTF-8|valid JSON)/)
  })

  it.each(['', '{', '{"a":}', "{'a':1}", '01', '+1', '1.', 'NaN', '{"a":1}x'])('%j is no JSON', (text) => {
    expect(parseStrictText(text)).toEqual({ fault: { field: '', message: 'is not valid JSON' } })
  })
})

it.each([
  ['numbers', '1,'],
  ['members that repeat', '{"a":1,"a":1},'],
])('reads many %s that stand deep, again and again', (_what, unit) => {
  const depth = 2000
  const text = `${'['.repeat(depth)}${unit.repeat(900_000 / unit.length)}0${']'.repeat(depth)}`
  // A reader that scans the whole depth for each number takes longer for these than a test may take.
  for (let reading = 0; reading < 15; reading++) parseStrictText(text)
})

it('reads a number with very many zeros inside', () => {
  // With a backtracking expression this takes longer than a test may take; for longer numbers it did not end.
  expect(parseStrictText(`[1${'0'.repeat(90_000)}1${'0'.repeat(80_000)}1]`)).toHaveProperty('fault')
  expect(parseStrictText(`[0.1${'0'.repeat(160_000)}1]`)).toHaveProperty('value')
})

it('is as deep as a body can be, or says that it is not read', () => {
  const nested = (depth: number) => parseStrictText('['.repeat(depth) + ']'.repeat(depth))
  expect('value' in nested(100)).toBe(true)
  expect(nested(200_000)).toEqual({ fault: { field: '', message: 'is nested too deeply' } })
})
