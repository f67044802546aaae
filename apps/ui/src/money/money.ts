import { maxAmountCents } from '@streampay/domain'

/**
 * Money at the edge of the system: the only place where cents become text and text becomes cents. All arithmetic is on
 * integers; no amount is ever a fraction, so nothing can be rounded away.
 */

export type AmountRefusal = 'empty' | 'not-a-number' | 'too-precise' | 'zero' | 'negative' | 'too-large'
export type ParsedAmount = { readonly cents: number } | { readonly refusal: AmountRefusal }

// Groups are parted by commas or by blanks, the same all through.
const grouped = /^\d{1,3}(?:(?:,\d{3})+|(?:[ \u00A0\u202F]\d{3})+)$/u
const plain = /^\d*$/

/**
 * Reads an amount in dollars as people type it: `12`, `12.5`, `.50`, `1,250.00`, with or without `$` before it. Nothing is
 * left out to make an amount of what is none.
 * @returns whole cents between 1 and {@link maxAmountCents}, or why it isn't such an amount
 */
export function parseDollars(text: string): ParsedAmount {
  const typed = text.trim().replace(/^\$\s*/u, '')
  if (typed === '') return { refusal: 'empty' }
  if (/^[-−]\s*\$?[\d.]/u.test(typed)) return { refusal: 'negative' }
  const [whole = '', fraction = '', ...more] = typed.split('.')
  const isNumber = more.length === 0 && /^\d*$/.test(fraction) && (plain.test(whole) || grouped.test(whole))
  if (!isNumber || (whole === '' && fraction === '')) return { refusal: 'not-a-number' }
  if (fraction.replace(/0+$/, '').length > 2) return { refusal: 'too-precise' }
  const digits = whole.replace(/\D/g, '').replace(/^0+/, '') + fraction.padEnd(2, '0').slice(0, 2)
  // Longer than the limit could ever be: refused before it could lose digits as a number.
  if (digits.length > 12) return { refusal: 'too-large' }
  const cents = Number.parseInt(digits, 10)
  if (cents === 0) return { refusal: 'zero' }
  return cents > maxAmountCents ? { refusal: 'too-large' } : { cents }
}

/** Whether an amount can't be made of a text by typing on: it holds what no amount holds, or is too long or too exact. */
export function isBeyondMending(text: string): boolean {
  const parsed = parseDollars(text)
  if (!('refusal' in parsed) || parsed.refusal === 'empty' || parsed.refusal === 'zero') return false
  return parsed.refusal !== 'not-a-number' || /[^\d.,$\s]/u.test(text) || text.split('.').length > 2
}

/** Why an amount was not accepted, as a sentence for the form. */
export function wordsForAmount(refusal: AmountRefusal): string {
  switch (refusal) {
    case 'empty':
      return 'Enter an amount.'
    case 'not-a-number':
      return 'Enter an amount in dollars, such as 12.50.'
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
