import type { StatementPerson } from '../api/types.ts'

export type PersonSums = Pick<StatementPerson, 'counterparty' | 'moneyIn' | 'moneyOut' | 'countIn' | 'countOut'>

/** Sums the rows of several months into one row for each person, the largest sums first. */
export function sumsOf(rows: readonly PersonSums[]): readonly PersonSums[] {
  const sums = new Map<string, PersonSums>()
  for (const { counterparty, moneyIn, moneyOut, countIn, countOut } of rows) {
    const before = sums.get(counterparty)
    sums.set(counterparty, {
      counterparty,
      moneyIn: moneyIn + (before?.moneyIn ?? 0),
      moneyOut: moneyOut + (before?.moneyOut ?? 0),
      countIn: countIn + (before?.countIn ?? 0),
      countOut: countOut + (before?.countOut ?? 0),
    })
  }
  const movedBy = ({ moneyIn, moneyOut }: PersonSums) => moneyIn + moneyOut
  return [...sums.values()].sort((left, right) => movedBy(right) - movedBy(left))
}
