import { maxAmountCents } from '@streampay/domain'

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

/** The sign that parts thousands where the browser's user lives; `other` if it is neither point nor comma. */
export type GroupSign = '.' | ',' | 'other'

// Groups are parted by one kind of sign, the same all through.
const grouped = /^\d{1,3}(?:(?:,\d{3})+|(?:\.\d{3})+|(?:['’]\d{3})+|(?:[ \u00A0\u202F]\d{3})+)$/u
const plain = /^\d*$/

/**
 * Reads an amount in dollars as people type it: `12`, `12.5`, `12,50`, `.50`, `1,250.00`, `1.250,00`, with or without `$`
 * before it. Nothing is left out to make an amount of what is none, and no text that can be read as two amounts is taken:
 *
 * - Of two kinds of signs the last one is the decimal sign; a sign that stands more than once parts thousands.
 * - One sign with three digits behind it (`1.000`) could be either. It parts thousands if it is the sign for that where the
 *   user lives; else the text is refused, with both readings.
 * @returns whole cents between 1 and {@link maxAmountCents}, or why it isn't such an amount
 */
export function parseDollars(text: string, groupSign: GroupSign = localGroupSign): ParsedAmount {
  const typed = text.trim().replace(/^\$\s*/u, '')
  if (typed === '') return { refusal: 'empty' }
  if (/^[-−]\s*\$?[\d.,]/u.test(typed)) return { refusal: 'negative' }
  if (readingsOf(typed, groupSign) !== undefined) return { refusal: 'two-readings' }
  const { whole, fraction } = splitAmount(typed, groupSign)
  const isNumber = /^\d*$/.test(fraction) && (plain.test(whole) || grouped.test(whole))
  if (!isNumber || (whole === '' && fraction === '')) return { refusal: 'not-a-number' }
  if (fraction.length > 2) return { refusal: 'too-precise' }
  const digits = whole.replace(/\D/g, '').replace(/^0+/, '') + fraction.padEnd(2, '0')
  // Longer than the limit could ever be: refused before it could lose digits as a number.
  if (digits.length > 12) return { refusal: 'too-large' }
  const cents = Number.parseInt(digits, 10)
  if (cents === 0) return { refusal: 'zero' }
  return cents > maxAmountCents ? { refusal: 'too-large' } : { cents }
}

/** Parts an amount at its decimal sign, if it has one. */
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

/** Both amounts that a text can be read as, as they can be typed without doubt; undefined if there is one at most. */
function readingsOf(typed: string, groupSign: GroupSign): readonly [string, string] | undefined {
  const at = Math.max(typed.lastIndexOf('.'), typed.lastIndexOf(','))
  if (at < 0 || typed.charAt(at) === groupSign || !hasGroupOfThree(typed, at)) return undefined
  const [whole, behind] = [typed.slice(0, at), typed.slice(at + 1)]
  const small = behind.endsWith('0') ? `${whole}.${behind.slice(0, 2)}` : `${whole}.${behind}`
  return [small, `${whole}${behind}`]
}

/** What parts thousands in a language: only a point or a comma could be taken for a decimal sign. */
export function groupSignOf(locale: string | undefined): GroupSign {
  const parts = new Intl.NumberFormat(locale, { useGrouping: 'always' }).formatToParts(12_345.6)
  const sign = parts.find(({ type }) => type === 'group')?.value
  return sign === '.' || sign === ',' ? sign : 'other'
}

const localGroupSign = groupSignOf(undefined)

/** Whether an amount can't be made of a text by typing on: it holds what no amount holds, or is too long or too exact. */
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
      return 'Enter an amount.'
    case 'not-a-number':
      return 'Enter an amount in dollars, such as 12.50.'
    case 'two-readings': {
      const typed = text.trim().replace(/^\$\s*/u, '')
      const [small, large] = readingsOf(typed, 'other') ?? []
      return `“${typed}” can mean ${small} or ${large}. Type the one that you mean.`
    }
    case 'too-precise':
      return 'Amounts go down to the cent: use at most two decimals.'
    case 'zero':
      return 'The amount must be at least $0.01.'
    case 'negative':
      return 'Enter the amount without a minus sign.'
    case 'too-large':
      return `The most that can be sent at once is ${formatCents(maxAmountCents)}.`
  }
}

export type MoneyParts = { readonly sign: string; readonly whole: string; readonly cents: string }
export type SignStyle = 'minus-only' | 'always' | 'never'

/** Splits an amount into what is set in different sizes: sign, grouped dollars and two digits of cents. */
export function moneyParts(cents: number, signs: SignStyle = 'minus-only'): MoneyParts {
  const digits = Math.abs(cents).toString().padStart(3, '0')
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',')
  return { sign: signOf(cents, signs), whole, cents: digits.slice(-2) }
}

/** `$1,234.56`; with a true minus sign, and with a plus sign if signs are asked for. */
export function formatCents(cents: number, signs: SignStyle = 'minus-only'): string {
  const parts = moneyParts(cents, signs)
  return `${parts.sign}$${parts.whole}.${parts.cents}`
}

/** What an amount field holds for an amount: `1234.56`, no sign and no grouping. */
export function centsToInput(cents: number): string {
  const parts = moneyParts(cents, 'never')
  return `${parts.whole.replace(/\D/g, '')}.${parts.cents}`
}

function signOf(cents: number, signs: SignStyle): string {
  if (signs === 'never' || cents === 0) return ''
  if (cents < 0) return '−'
  return signs === 'always' ? '+' : ''
}
