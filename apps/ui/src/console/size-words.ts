import { counted, withDecimals } from '../app/numbers.ts'

const units = [
  { bytes: 1_000_000_000, name: 'GB' },
  { bytes: 1_000_000, name: 'MB' },
  { bytes: 1_000, name: 'kB' },
] as const

/** “812 B”, “1.4 MB”: how much it is, in powers of a thousand. */
export function sizeWords(bytes: number): string {
  const unit = units.find((one) => bytes >= one.bytes)
  if (unit === undefined) return `${counted(Math.round(bytes))} B`
  const count = bytes / unit.bytes
  return `${count < 10 ? withDecimals(count, 1) : counted(Math.round(count))} ${unit.name}`
}
