import { describe, expect, it } from 'vitest'
import { speechOf } from '../src/i18n/language.ts'
import { formatCents, groupSignOf, moneyParts, parseDollars } from '../src/money/money.ts'

describe('the language of a page', () => {
  it.each([
    { preferred: ['en-US'], language: 'en', formatLocale: 'en-US' },
    { preferred: ['de-CH', 'en'], language: 'de', formatLocale: 'de-CH' },
    { preferred: ['DE'], language: 'de', formatLocale: 'DE' },
    // There are no French texts, but amounts are written as in French.
    { preferred: ['fr-FR'], language: 'en', formatLocale: 'fr-FR' },
    { preferred: ['fr-FR', 'de-DE', 'en'], language: 'de', formatLocale: 'fr-FR' },
    { preferred: [], language: 'en', formatLocale: 'en-US' },
    // "den" is another language; a text that is no language tag is ignored.
    { preferred: ['den', '', 'x_y', 'en-GB'], language: 'en', formatLocale: 'en-GB' },
  ])('is $language with formats of $formatLocale for $preferred', ({ preferred, ...speech }) => {
    expect(speechOf(undefined, preferred)).toEqual(speech)
  })

  it.each([
    { chosen: 'de', preferred: ['en-US', 'de-AT'], formatLocale: 'de-AT' },
    { chosen: 'de', preferred: ['fr-FR'], formatLocale: 'de' },
    { chosen: 'en', preferred: ['de-DE'], formatLocale: 'en-US' },
    { chosen: 'en', preferred: ['de-DE', 'en-GB'], formatLocale: 'en-GB' },
  ] as const)('is $chosen once it is chosen, with formats of $formatLocale', ({ chosen, preferred, formatLocale }) => {
    expect(speechOf(chosen, preferred)).toEqual({ language: chosen, formatLocale })
  })
})

describe('an amount in a language', () => {
  const locales = ['en-US', 'en-GB', 'de-DE', 'de-CH', 'de-AT', 'fr-FR', 'es-ES', 'pt-BR', 'sv-SE', 'pl', 'ja-JP']

  it.each([
    ['en-US', -123_456, '−$1,234.56'],
    ['de-DE', -123_456, '−1.234,56\u00A0$'],
    ['de-DE', 5, '0,05\u00A0$'],
    ['fr-FR', 123_456, '1\u202F234,56\u00A0$'],
  ])('is written in %s as people there write it', (locale, cents, text) => {
    expect(formatCents(cents, 'minus-only', locale)).toBe(text)
  })

  it.each(locales)('that is written in %s is read there as the same amount', (locale) => {
    for (const cents of [1, 99, 100, 1_250, 99_999, 100_000, 123_456, 123_456_700, 1_000_000_000]) {
      const { whole, decimalSign, cents: fraction } = moneyParts(cents, 'never', locale)
      expect(parseDollars(`${whole}${decimalSign}${fraction}`, groupSignOf(locale))).toEqual({ cents })
      expect(parseDollars(formatCents(cents, 'never', locale), groupSignOf(locale))).toEqual({ cents })
    }
  })

  it('with groups of two digits is refused, not read as another amount', () => {
    expect(parseDollars('12,34,567.00', groupSignOf('en-IN'))).toEqual({ refusal: 'not-a-number' })
  })

  it('with one sign and three digits is accepted in a language that writes thousands so, and refused in others', () => {
    expect(parseDollars('1.000', groupSignOf('de-DE'))).toEqual({ cents: 100_000 })
    expect(parseDollars('1,000', groupSignOf('en-US'))).toEqual({ cents: 100_000 })
    expect(parseDollars('1.000', groupSignOf('en-US'))).toEqual({ refusal: 'two-readings' })
    expect(parseDollars('1,000', groupSignOf('de-DE'))).toEqual({ refusal: 'two-readings' })
  })
})
