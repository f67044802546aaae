import { formatLocale } from '../i18n/language.ts'

const whole = new Intl.NumberFormat(formatLocale)
const tenths = withDigits(1)
const hundredths = withDigits(2)

/** A count as the language writes it: `12,345`. */
export function counted(count: number | bigint): string {
  return whole.format(count)
}

/** With this many digits after the decimal sign: `0.4`, `0.31`. */
export function withDecimals(value: number, digits: 1 | 2): string {
  return (digits === 1 ? tenths : hundredths).format(value)
}

function withDigits(digits: number): Intl.NumberFormat {
  return new Intl.NumberFormat(formatLocale, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
