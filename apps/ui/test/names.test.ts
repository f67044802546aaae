import { lookOf } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { escapedText, isolated, visibleText } from '../src/app/visible-text.ts'

describe('text that another person chose', () => {
  it.each([
    ['Grace Hopper', 'Grace Hopper'],
    ['pay \u202E00.5$', 'pay \uFFFD00.5$'],
    ['Grace\u2066 Hopper\u2069', 'Grace\uFFFD Hopper\uFFFD'],
    ['Gr\u200Bace\u0000', 'Gr\uFFFDace\uFFFD'],
    ['a\u0085b\u2028c', 'a\uFFFDb\uFFFDc'],
    ['two\nlines', 'two\nlines'],
    // Joiners and selectors are part of words and of emoji.
    ['می\u200Cخواهم', 'می\u200Cخواهم'],
    ['👩\u200D💻 ❤\uFE0F', '👩\u200D💻 ❤\uFE0F'],
    ['שלום', 'שלום'],
    [`Z${'\u0301'.repeat(40)}`, `Z${'\u0301'.repeat(4)}`],
  ])('%j is shown as %j', (text, shown) => {
    expect(visibleText(text)).toBe(shown)
  })

  it('is escaped where the record itself is shown', () => {
    expect(escapedText('a\u202Eb\u{E0041}')).toBe('a\\u202eb\\udb40\\udc41')
    expect(escapedText('{"notes":"Lunch"}')).toBe('{"notes":"Lunch"}')
  })

  it('keeps its direction within a sentence', () => {
    expect(`You paid ${isolated('שלום')} $5.00`).toBe('You paid \u2068שלום\u2069 $5.00')
  })
})

describe('names that look alike', () => {
  it.each([
    ['Grace Hopper', 'grace  hopper'],
    ['Grace Hopper', 'Gr\u0430ce H\u043Epper'],
    ['Grace Hopper', 'Ｇｒａｃｅ Ｈｏｐｐｅｒ'],
    ['Grace Hopper', 'Gráce Hopper'],
    ['Grace Hopper', 'Grace\u200B Hopper'],
    ['Grace Hopper', 'Grace Hopp\u200Cer'],
    ['Alan', 'AIan'],
    ['grace-hopper', 'grace_hopper'],
    ['Bob', 'B0b'],
  ])('%j and %j', (left, right) => {
    expect(lookOf(left)).toBe(lookOf(right))
  })

  it.each([
    ['Grace Hopper', 'Alan Turing'],
    ['Grace Hopper', 'Grace Hoppe'],
    ['Anna', 'Anne'],
  ])('%j and %j do not', (left, right) => {
    expect(lookOf(left)).not.toBe(lookOf(right))
  })
})
