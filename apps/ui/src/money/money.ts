import { maxAmountCents, minAmountCents } from '@streampay/domain'
import { formatLocale } from '../i18n/language.ts'
import { t } from '../i18n/wallet.ts'

/**
 * Money at the edge of the system: the only place where cents become text and text becomes cents. All arithmetic is on
 * integers; no amount is ever a fraction, so nothing can be rounded away.
 */

export type AmountRefusal =
  | 'empty'
  | 'not-a-number'
  | 'two-readings'
  | 'too-precise'
  | 'zero'
  | 'negative'
  | 'too-large'
export type ParsedAmount = { readonly cents: number } | { readonly refusal: AmountRefusal }

/** The sign that separates thousands in the user's locale; `other` if it is neither point nor comma. */
export type GroupSign = '.' | ',' | 'other'

// Groups are separated by one kind of sign in the whole number.
const grouped = /^\d{1,3}(?:(?:,\d{3})+|(?:\.\d{3})+|(?:['’]\d{3})+|(?:[ \u00A0\u202F]\d{3})+)$/u
const plain = /^\d*$/

/**
 * Reads an amount in dollars as people type it: `12`, `12.5`, `12,50`, `.50`, `1,250.00`, `1.250,00`, with or without `$` before or after
 * it. No character is dropped to make an amount of a text that is none, and no text that can be read as two amounts is accepted:
 *
 * - With two kinds of signs, the last one is the decimal sign; a sign that occurs more than once separates thousands.
 * - One sign with three digits after it (`1.000`) could be either. It separates thousands if the user's locale uses it so;
 * if not, the text is refused, with both readings.
 * @returns whole cents between 1 and {@link maxAmountCents}, or why it isn't such an amount
 */
export function parseDollars(text: string, groupSign: GroupSign = localGroupSign): ParsedAmount {
  const typed = withoutSymbol(text)
  if (typed === '') return { refusal: 'empty' }
  if (/^[-−]\s*\$?[\d.,]/u.test(typed)) return { refusal: 'negative' }
  if (readingsOf(typed, groupSign) !== undefined) return { refusal: 'two-readings' }
  const { whole, fraction } = splitAmount(typed, groupSign)
  const isNumber = /^\d*$/.test(fraction) && (plain.test(whole) || grouped.test(whole))
  if (!isNumber || (whole === '' && fraction === '')) return { refusal: 'not-a-number' }
  if (fraction.length > 2) return { refusal: 'too-precise' }
  const digits = whole.replace(/\D/g, '').replace(/^0+/, '') + fraction.padEnd(2, '0')
  // Longer than any allowed amount: refused before it could lose digits as a number.
  if (digits.length > 12) return { refusal: 'too-large' }
  const cents = Number.parseInt(digits, 10)
  if (cents === 0) return { refusal: 'zero' }
  return cents > maxAmountCents ? { refusal: 'too-large' } : { cents }
}

function withoutSymbol(text: string): string {
  return text.trim().replace(/^\$\s*|\s*\$$/u, '')
}

/** Splits an amount at its decimal sign, if it has one. */
function splitAmount(typed: string, groupSign: GroupSign): { readonly whole: string; readonly fraction: string } {
  const at = Math.max(typed.lastIndexOf('.'), typed.lastIndexOf(','))
  const sign = typed.charAt(at)
  const isAlone = at >= 0 && typed.indexOf(sign) === at
  const isGroup = sign === groupSign && hasGroupOfThree(typed, at)
  if (!isAlone || isGroup) return { whole: typed, fraction: '' }
  return { whole: typed.slice(0, at), fraction: typed.slice(at + 1) }
}

/** Whether the text is a number with one sign, and three digits behind it that could be thousands. */
function hasGroupOfThree(typed: string, at: number): boolean {
  return /^[1-9]\d{0,2}$/.test(typed.slice(0, at)) && /^\d{3}$/.test(typed.slice(at + 1))
}

/** Both amounts that a text can be read as, in a form that is not ambiguous; undefined if there is one at most. */
function readingsOf(typed: string, groupSign: GroupSign): readonly [string, string] | undefined {
  const at = Math.max(typed.lastIndexOf('.'), typed.lastIndexOf(','))
  if (at < 0 || typed.charAt(at) === groupSign || !hasGroupOfThree(typed, at)) return undefined
  const [whole, behind] = [typed.slice(0, at), typed.slice(at + 1)]
  const small = `${whole}${decimalSign}${behind.endsWith('0') ? behind.slice(0, 2) : behind}`
  return [small, `${whole}${behind}`]
}

/** The sign that separates thousands in a language: only a point or a comma could be taken for a decimal sign. */
export function groupSignOf(locale: string | undefined): GroupSign {
  const parts = new Intl.NumberFormat(locale, { useGrouping: 'always' }).formatToParts(12_345.6)
  const sign = parts.find(({ type }) => type === 'group')?.value
  return sign === '.' || sign === ',' ? sign : 'other'
}

const localGroupSign = groupSignOf(formatLocale)
/** A decimal sign that can be typed in an amount: a language that has neither point nor comma gets the point. */
const decimalSign = decimalSignOf(formatLocale)

function decimalSignOf(locale: string): '.' | ',' {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5)
  return parts.find(({ type }) => type === 'decimal')?.value === ',' ? ',' : '.'
}

/** Whether no amount can be made of a text by typing on: it has a character that no amount has, or too many digits. */
export function isBeyondMending(text: string): boolean {
  const parsed = parseDollars(text)
  if (!('refusal' in parsed)) return false
  switch (parsed.refusal) {
    case 'empty':
    case 'zero':
    case 'two-readings':
      return false
    case 'not-a-number':
      return /[^\d.,$’'\s]/u.test(text) || (text.split('.').length > 2 && text.split(',').length > 2)
    default:
      return true
  }
}

/** Why an amount was not accepted, as a sentence for the form. */
export function wordsForAmount(refusal: AmountRefusal, text: string): string {
  switch (refusal) {
    case 'empty':
      return t('money.empty')
    case 'not-a-number':
      return t('money.notANumber', { example: centsToInput(1_250) })
    case 'two-readings': {
      const typed = withoutSymbol(text)
      const [small = '', large = ''] = readingsOf(typed, 'other') ?? []
      return t('money.twoReadings', { typed, small, large })
    }
    case 'too-precise':
      return t('money.tooPrecise')
    case 'zero':
      return t('money.zero', { least: formatCents(minAmountCents) })
    case 'negative':
      return t('money.negative')
    case 'too-large':
      return t('money.tooLarge', { most: formatCents(maxAmountCents) })
  }
}

/** `before` and `behind` are the symbol of the currency with the space next to it; one of them is empty. */
export type MoneyParts = {
  readonly sign: string
  readonly before: string
  readonly whole: string
  readonly decimalSign: string
  readonly cents: string
  readonly behind: string
}
export type SignStyle = 'minus-only' | 'always' | 'never'

/**
 * Splits an amount into the parts that are set in different sizes, as the language writes dollars: `$1,234.56`, `1.234,56 $`. Digits are
 * always those that can be typed (0–9), and the minus or plus sign comes first.
 * @param locale a language tag (BCP 47)
 */
export function moneyParts(cents: number, signs: SignStyle = 'minus-only', locale = formatLocale): MoneyParts {
  const parts = { before: '', whole: '', decimalSign: '', cents: '', behind: '' }
  for (const { type, value } of dollars(locale).formatToParts(decimalOf(Math.abs(cents)))) {
    if (type === 'integer' || type === 'group') parts.whole += value
    else if (type === 'decimal') parts.decimalSign = value
    else if (type === 'fraction') parts.cents = value
    else if (parts.whole === '') parts.before += value
    else parts.behind += value
  }
  return { sign: signOf(cents, signs), ...parts }
}

/** `$1,234.56`, `1.234,56 $`; with a true minus sign, and with a plus sign if signs are asked for. */
export function formatCents(cents: number, signs: SignStyle = 'minus-only', locale = formatLocale): string {
  const { sign, before, whole, decimalSign, cents: fraction, behind } = moneyParts(cents, signs, locale)
  return `${sign}${before}${whole}${decimalSign}${fraction}${behind}`
}

/** The same without cents where there are none, for the labels of an axis: `$1,200`. */
export function formatRound(cents: number): string {
  const { sign, before, whole, behind } = moneyParts(cents)
  return cents % 100 === 0 ? `${sign}${before}${whole}${behind}` : formatCents(cents)
}

/** The text of an amount field for an amount: `1234.56`, or `1234,56` if the language writes it so; no sign and no grouping. */
export function centsToInput(cents: number): string {
  return decimalOf(Math.abs(cents)).replace('.', decimalSign)
}

/** The same text in every language, for addresses and files: `1234.56`, `-0.05`. */
export function decimalOf(cents: number): Intl.StringNumericLiteral {
  const digits = Math.abs(cents).toString().padStart(3, '0')
  const sign = cents < 0 ? '-' : ''
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}` as Intl.StringNumericLiteral
}

/** Whether the language writes the symbol after the amount. */
export function isSymbolBehind(): boolean {
  return moneyParts(0).behind !== ''
}

const formats = new Map<string, Intl.NumberFormat>()

function dollars(locale: string): Intl.NumberFormat {
  const known = formats.get(locale)
  if (known !== undefined) return known
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
    numberingSystem: 'latn',
  })
  formats.set(locale, format)
  return format
}

function signOf(cents: number, signs: SignStyle): string {
  if (signs === 'never' || cents === 0) return ''
  if (cents < 0) return '−'
  return signs === 'always' ? '+' : ''
}
