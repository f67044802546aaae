import type { BalanceHistory } from '../api/types.ts'
import { dayWords } from '../app/times.ts'

/** What a stretch of movements says for sure: how many they are, since when, and whether they are all there ever were. */
export type Coverage = {
  readonly count: number
  readonly since: number
  readonly isWhole: boolean
  readonly moneyIn: number
  readonly moneyOut: number
}

const counted = new Intl.NumberFormat('en-US')

/**
 * Sums up movements, oldest first. @returns undefined if there are none, or if one is missing among them: a sum of what
 * happens to be there is nobody's figure
 */
export function coverageOf(points: readonly BalanceHistory[]): Coverage | undefined {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return undefined
  if (last.sequence - first.sequence + 1 !== points.length) return undefined
  return {
    count: points.length,
    since: first.at,
    isWhole: first.sequence === 1,
    moneyIn: points.reduce((sum, { amount }) => (amount > 0 ? sum + amount : sum), 0),
    moneyOut: points.reduce((sum, { amount }) => (amount < 0 ? sum - amount : sum), 0),
  }
}

/** “All 61 movements, since 3 May 2026”; “Last 1,000 movements, since 3 May 2026”. */
export function coverageWords({ count, since, isWhole }: Coverage): string {
  const movements = `${counted.format(count)} ${count === 1 ? 'movement' : 'movements'}`
  const which = isWhole ? (count === 1 ? 'The only movement' : `All ${movements}`) : `Last ${movements}`
  return `${which}, since ${dayWords(since)}`
}
