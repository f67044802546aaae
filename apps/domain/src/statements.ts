/**
 * Monthly statements: what an account's movements come to, by UTC month, and in each month by counterparty. Pure; INV-7.
 *
 * A movement is a row of `balance-histories`, and its month is that of its `at`, the log time of the command that caused it. Log time is
 * not in order: a command may wait while others pass it, and be done in the month after its own. It still counts to its own month, as the
 * entry says, and what later months opened and closed with moves by its amount. So the figures do not depend on the order of
 * movements, and a month holds exactly the entries that a reader of that time finds. A month may close below zero then, though no
 * balance ever was: what was spent had come, by the log's time, in the month after.
 */
import { pairOf } from './ids.ts'
import { add, addUpToLimit, cents } from './money.ts'
import type { BalanceHistory, Statement, StatementPerson } from './schemas.ts'

/** Of the last month that is told apart; later times count to it. */
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

/** Of a month without movements. @param opening what it begins with, in cents: the closing balance of the month before */
export function emptyStatement(account: string, month: string, opening: number): Statement {
  return { account, month, opening, closing: opening, moneyIn: 0, moneyOut: 0, countIn: 0, countOut: 0, sequence: 0 }
}

export function emptyPerson(account: string, month: string, counterparty: string): StatementPerson {
  return { account, month, counterparty, moneyIn: 0, moneyOut: 0, countIn: 0, countOut: 0, sequence: 0 }
}

/** The month with a movement of its own. */
export function withMovement(statement: Statement, movement: BalanceHistory): Statement {
  return { ...counted(statement, movement), closing: add(cents(statement.closing), cents(movement.amount)) }
}

/** A month after that of the movement. */
export function afterMovement(statement: Statement, { amount, sequence }: BalanceHistory): Statement {
  return {
    ...statement,
    opening: add(cents(statement.opening), cents(amount)),
    closing: add(cents(statement.closing), cents(amount)),
    sequence,
  }
}

/** A person's part of a month, with a movement that is theirs. */
export function withMovementOf(person: StatementPerson, movement: BalanceHistory): StatementPerson {
  return counted(person, movement)
}

type Counted = Pick<Statement, 'moneyIn' | 'moneyOut' | 'countIn' | 'countOut' | 'sequence'>

/** Sums beyond 2^53 - 1 cents stand still; counts go on. */
function counted<T extends Counted>(row: T, { amount, sequence }: BalanceHistory): T {
  return amount > 0
    ? { ...row, moneyIn: addUpToLimit(row.moneyIn, amount), countIn: row.countIn + 1, sequence }
    : { ...row, moneyOut: addUpToLimit(row.moneyOut, -amount), countOut: row.countOut + 1, sequence }
}
