import { describe, expect, it } from 'vitest'
import { fittingNames, isReserved, lookOf, looksLikeSystem, profileErrors, userFault } from '../src/index.ts'

it('looks the same with only plain characters and with an invisible one', () => {
  for (let code = 0x20; code <= 0x7e; code++) {
    const text = `a${String.fromCharCode(code)}b`
    // The second text needs all foldings.
    expect([text, lookOf(text)]).toEqual([text, lookOf(`${text}\u200b`)])
  }
})

describe('an identity', () => {
  it.each([
    'streampay:treasury',
    'streampay:',
    'StreamPay:x',
    ' streampay:x',
    'ＳtreamPay:x',
    'ѕtrеаmpay:x',
    '\u200bstreampay:x',
    'ﬆreampay:x',
    'stream-pay:x',
    'strearnpay:x',
    '🆂🆃🆁🅴🅰🅼🅿🅰🆈:x',
    'ꓢꓔꓣꓰꓮꓟꓑꓮꓬ:x',
    'ՏtreampaΥ:x',
  ])('is reserved however it is written: %j', (identity) => {
    expect(isReserved(identity)).toBe(true)
    expect(userFault({ key: identity, identity: undefined, value: null })).toContain('reserved')
  })

  it.each(['streampay', 'ann', 'sam', 'stream:pay', 'x streampay:y', 'auth0|streampay:1', 'Ѕam', ''])(
    'is free to be used: %j',
    (identity) => {
      expect(isReserved(identity)).toBe(false)
    },
  )
})

describe('a name', () => {
  // A person named "StreamPay" could ask for a "verification fee", and nothing distinguished the name from the
  // system's.
  it.each([
    'StreamPay',
    'Stream Pay',
    'STREAMPAY',
    'S t r e a m P a y',
    'StreamPay Support',
    'The StreamPay Team',
    'MyStreamPay',
    'Stream-Pay.',
    'Strеаmрау',
    'ＳｔｒｅａｍＰａｙ',
    'Ꮪꭲʀᴇᴀᴍᴘᴀʏ',
    'ꓢtream ꓑay',
    'STREAMPAΥ',
    'Տtreampay',
    '5tream Pay',
    '$tre@mpay',
    'Strearn Pay',
    'Stréam Páy',
    '🆂🆃🆁🅴🅰🅼🅿🅰🆈',
    'Treasury',
  ])('that looks like the system’s is refused, for a profile and on the log: %j', (name) => {
    expect(looksLikeSystem(name)).toBe(true)
    expect(profileErrors({ name, username: 'x' })).toEqual([
      { field: 'name', message: 'must not look like the name of the system itself' },
    ])
    const username = name.replaceAll(/\s/gu, '')
    expect(profileErrors({ name: 'Ada', username }).map(({ field }) => field)).toEqual(['username'])
    const value = { id: 'eve', name, username: 'eve' }
    expect(userFault({ key: 'eve', identity: 'eve', value })).toBe('the name looks like that of the system itself')
    expect(profileErrors(fittingNames({ id: 'eve', name, username: name }))).toEqual([])
  })

  it.each([
    'Ada Lovelace',
    'Upstream Payne',
    'Pay Stream',
    'Steam Pay',
    'Žofie Nováková',
    '山田　太郎',
    'Treasury Jones',
    'ΝΥΝ ΣΤΡΕΜ',
  ])('is a person’s: %j', (name) => {
    expect(looksLikeSystem(name)).toBe(false)
    expect(profileErrors({ name, username: 'x' })).toEqual([])
  })

  it('has one look in each way of writing', () => {
    expect(new Set(['Alan', 'AIan', 'alan', 'А1аn', 'a l a n'].map(lookOf)).size).toBe(1)
    expect(lookOf('Straße')).toBe(lookOf('STRASSE'))
  })
})
