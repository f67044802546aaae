/**
 * Money is a whole number of cents in a branded safe integer. This file is the only place where money is divided, and the
 * only rounding is half-even to the cent.
 */

/** Whole cents, within the safe integers; may be negative. */
export type Cents = number & { readonly __brand: 'Cents' }

/** The least and the most that one command may move, in cents ($0.01 and $10,000,000.00). */
export const minAmountCents = 1
export const maxAmountCents = 1_000_000_000

/** What every account but the treasury receives when it opens, unless a setting says otherwise: $500.00. */
export const openingGrantCents = 50_000

/**
 * The treasury refuses top-ups that would take it below this. All money comes from the treasury, so no balance can be
 * larger than what it owes: within this limit every credit fits into a safe integer and cannot fail. The rest up to 2^53
 * is left to opening grants, which are never refused (enough for 140 million accounts).
 */
export const treasuryFloorCents = -9_000_000_000_000_000

/** @throws RangeError if the value is not a safe integer: a bug, since amounts are checked at the edge. */
export function cents(value: number): Cents {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number of cents within safe integers`)
  // -0 would be written as 0 but compare differently with Object.is.
  return (value === 0 ? 0 : value) as Cents
}

/** @throws RangeError if the sum leaves the safe integers. */
export function add(left: Cents, right: Cents): Cents {
  return cents(left + right)
}

/**
 * The sum of two values that are not negative, at most the largest safe integer. For totals of all payments: if enough accounts pay each
 * other back and forth, the totals reach that, and nothing may stop or become wrong then.
 */
export function addUpToLimit(left: number, right: number): Cents {
  return cents(Math.min(left + right, Number.MAX_SAFE_INTEGER))
}

export function negate(value: Cents): Cents {
  return cents(-value)
}

/** The mean in cents, rounded half to even; 0 of nothing. Both figures are non-negative safe integers. */
export function meanOf({ count, volume }: { readonly count: number; readonly volume: number }): number {
  if (count === 0) return 0
  return divideHalfEven(volume, count)
}

/**
 * `dividend / divisor` rounded to the nearest integer, a tie to the even one. In integers throughout: a floating-point
 * quotient of large cents can land on the wrong side of a tie.
 */
export function divideHalfEven(dividend: number, divisor: number): number {
  if (!Number.isSafeInteger(dividend)) throw new RangeError(`${dividend} is not a whole number of cents`)
  if (!Number.isSafeInteger(divisor) || divisor <= 0) throw new RangeError(`${divisor} is not a positive divisor`)
  const remainder = dividend % divisor
  // The dividend without its remainder is a multiple of the divisor, so this division is exact.
  const truncated = (dividend - remainder) / divisor
  const direction = dividend < 0 ? -1 : 1
  // Compared as "remainder against what is missing", since twice the remainder may leave the safe integers.
  const size = Math.abs(remainder)
  const missing = divisor - size
  const roundsAway = size > missing || (size === missing && truncated % 2 !== 0)
  return cents(roundsAway ? truncated + direction : truncated)
}

export type AmountRefusal = 'missing' | 'not-a-number' | 'not-finite' | 'negative' | 'zero' | 'fractional' | 'too-large'

/**
 * Why an amount from outside is refused; undefined if it is accepted. One value can be wrong in several ways; the order decides which is
 * reported: its type, then its sign, then fractions, then the limit.
 */
export function refusalOfAmount(value: unknown): AmountRefusal | undefined {
  if (value === undefined) return 'missing'
  if (typeof value !== 'number') return 'not-a-number'
  // JSON has no NaN, but 1e999 parses to Infinity.
  if (!Number.isFinite(value)) return 'not-finite'
  if (value < 0) return 'negative'
  if (value === 0) return 'zero'
  if (!Number.isInteger(value)) return 'fractional'
  if (value > maxAmountCents) return 'too-large'
  return undefined
}

export const amountRefusals: Readonly<Record<AmountRefusal, string>> = {
  missing: 'is required',
  'not-a-number': 'must be a number',
  'not-finite': 'must be a finite number',
  negative: 'must not be negative',
  zero: 'must be at least 1 cent',
  fractional: 'must be a whole number of cents',
  'too-large': `must be at most ${maxAmountCents} cents`,
}
