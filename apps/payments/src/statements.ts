/**
 * Adds the movements of each account to its monthly statements (INV-7). It reads `balance-histories` and not `transactions`: the rows
 * are complete, in the order in which the account changed, and no version without statements has read them in this topology. So on
 * a log of any age the statements begin with the first movement, and need no migration of older data.
 */
import {
  afterMovement,
  type BalanceHistory,
  balanceHistory,
  emptyPerson,
  emptyStatement,
  headerNames,
  monthOf,
  pairOf,
  type Statement,
  type StatementPerson,
  statement,
  statementKey,
  statementPerson,
  statementPersonKey,
  topicNames,
  treasuryId,
  withMovement,
  withMovementOf,
} from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { KeyValueStore, OutgoingHeaders, ProcessorContext, StoreDefinition } from '@streampay/streams'
import { jsonHeaders, jsonSerde } from './serdes.ts'

/** Stores whose changelogs are public topics: each row that a batch changed is written once, in its last version. */
export const statementStore: StoreDefinition<Statement> = {
  name: 'statements',
  changelog: topicNames.statements,
  value: jsonSerde(statement),
  headers: ofMonth,
}
export const statementPersonStore: StoreDefinition<StatementPerson> = {
  name: 'statement-people',
  changelog: topicNames.statementPeople,
  value: jsonSerde(statementPerson),
  headers: ofMonth,
}

const historySerde = jsonSerde(balanceHistory)

/** For every account but the treasury: it would have one row for each person and month, and nothing reads them. */
export function foldMovement(record: ReceivedRecord, context: ProcessorContext): undefined {
  if (record.value === null) throw new Error('there is no value')
  const movement = historySerde.decode(record.value)
  if (movement.account === treasuryId) return undefined
  const newest = context.sourceTime(topicNames.balanceHistories)
  foldMonth(movement, context.store<Statement>(statementStore.name), newest)
  foldPerson(movement, context.store<StatementPerson>(statementPersonStore.name))
  return undefined
}

/** @param newest the time of the newest earlier movement, of all accounts of the partition; 0 if that is not known */
function foldMonth(movement: BalanceHistory, statements: KeyValueStore<Statement>, newest: number): void {
  const { account } = movement
  const month = monthOf(movement.at)
  const key = statementKey({ account, month })
  const before = statements.get(key) ?? emptyStatement(account, month, closingBefore(account, month, statements))
  statements.set(key, withMovement(before, movement))
  if (newest !== 0 && monthOf(newest) <= month) return
  // There is a later month if this movement's command waited until that month.
  const later = statements.range({ gte: `${key}\0`, lt: behindMonths(account) })
  for (const [laterKey, laterMonth] of [...later]) statements.set(laterKey, afterMovement(laterMonth, movement))
}

function closingBefore(account: string, month: string, statements: KeyValueStore<Statement>): number {
  const earlier = statements.range({
    gte: pairOf(account, ''),
    lt: statementKey({ account, month }),
    reverse: true,
    limit: 1,
  })
  for (const [, { closing }] of earlier) return closing
  return 0
}

/** A colon sorts after all digits. */
function behindMonths(account: string): string {
  return pairOf(account, ':')
}

function foldPerson(movement: BalanceHistory, people: KeyValueStore<StatementPerson>): void {
  const { account, counterparty } = movement
  const month = monthOf(movement.at)
  const key = statementPersonKey({ account, month, counterparty })
  people.set(key, withMovementOf(people.get(key) ?? emptyPerson(account, month, counterparty), movement))
}

function ofMonth(_key: string, { account, month }: Pick<Statement, 'account' | 'month'>): OutgoingHeaders {
  return { ...jsonHeaders, [headerNames.identity]: account, [headerNames.month]: month }
}
