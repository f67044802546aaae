/**
 * Monthly statements: the sums of an account's movements, by UTC month, and in each month by counterparty. Pure; INV-7.
 *
 * A movement is a row of `balance-histories`, and its month is that of its `at`, the log time of the command that caused it. Log time is
 * not in order: a command may wait while others are processed, and be carried out in the month after its own. It still counts to its own
 * month, as the entry says, and changes by its amount what later months open and close with. So the figures do not depend on the order of
 * movements, and a month has exactly the entries that a search by time finds. A month may then close below zero, although no balance ever
 * was: the money that was spent had come, by log time, in the month after.
 */
import { pairOf } from './ids.ts'
import { add, addUpToLimit, cents } from './money.ts'
import type { BalanceHistory, Statement, StatementPerson } from './schemas.ts'

/** The time of the last separate month; later times count to it. */
const lastTime = Date.UTC(9999, 11)

/** The UTC month of a time in ms, as `2026-11`. */
export function monthOf(at: number): string {
  return new Date(Math.min(at, lastTime)).toISOString().slice(0, 7)
}

/** When a month begins, in ms since the epoch. */
export function startOfMonth(month: string): number {
  return Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1)
}

/** The month that is `count` months later, or earlier if it is negative. */
export function monthsFrom(month: string, count: number): string {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1 + count)).toISOString().slice(0, 7)
}

/** The key of a row of `statements`. Those of one account are in the order of months. */
export function statementKey({ account, month }: Pick<Statement, 'account' | 'month'>): string {
  return pairOf(account, month)
}

/** The key of a row of `statement-people`. */
export function statementPersonKey({
  account,
  month,
  counterparty,
}: Pick<StatementPerson, 'account' | 'month' | 'counterparty'>): string {
  return pairOf(account, `${month}${counterparty}`)
}

/** A month without movements. @param opening its opening balance, in cents: the closing balance of the month before */
export function emptyStatement(account: string, month: string, opening: number): Statement {
  return { account, month, opening, closing: opening, moneyIn: 0, moneyOut: 0, countIn: 0, countOut: 0, sequence: 0 }
}

export function emptyPerson(account: string, month: string, counterparty: string): StatementPerson {
  return { account, month, counterparty, moneyIn: 0, moneyOut: 0, countIn: 0, countOut: 0, sequence: 0 }
}

/** The month after a movement of its own. */
export function withMovement(statement: Statement, movement: BalanceHistory): Statement {
  return { ...counted(statement, movement), closing: add(cents(statement.closing), cents(movement.amount)) }
}

/** A later month after a movement of an earlier one. */
export function afterMovement(statement: Statement, { amount, sequence }: BalanceHistory): Statement {
  return {
    ...statement,
    opening: add(cents(statement.opening), cents(amount)),
    closing: add(cents(statement.closing), cents(amount)),
    sequence,
  }
}

/** A person's part of a month, after a movement with this person. */
export function withMovementOf(person: StatementPerson, movement: BalanceHistory): StatementPerson {
  return counted(person, movement)
}

type Counted = Pick<Statement, 'moneyIn' | 'moneyOut' | 'countIn' | 'countOut' | 'sequence'>

/** Sums do not grow beyond 2^53 - 1 cents; counts do. */
function counted<T extends Counted>(row: T, { amount, sequence }: BalanceHistory): T {
  return amount > 0
    ? { ...row, moneyIn: addUpToLimit(row.moneyIn, amount), countIn: row.countIn + 1, sequence }
    : { ...row, moneyOut: addUpToLimit(row.moneyOut, -amount), countOut: row.countOut + 1, sequence }
}
