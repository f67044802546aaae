/**
 * Folds the movements of each account into its monthly statements (INV-7). It reads `balance-histories` and not `transactions`: the rows
 * are complete, in the order in which the account changed, and the topology read none of them before there were statements. So on
 * a log of any age the fold begins with the first movement ever, and needs no step that adopts what lies before.
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

/** Stores whose changelogs are public topics: of each row that a batch changed, its last version is written, once. */
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

/** Of every account but the treasury, whose rows would be one for each person and month, for nobody to read. */
export function foldMovement(record: ReceivedRecord, context: ProcessorContext): undefined {
  if (record.value === null) throw new Error('there is no value')
  const movement = historySerde.decode(record.value)
  if (movement.account === treasuryId) return undefined
  const newest = context.sourceTime(topicNames.balanceHistories)
  foldMonth(movement, context.store<Statement>(statementStore.name), newest)
  foldPerson(movement, context.store<StatementPerson>(statementPersonStore.name))
  return undefined
}

/** @param newest when the newest movement before this one was, of all accounts of the partition; 0 if that is not known */
function foldMonth(movement: BalanceHistory, statements: KeyValueStore<Statement>, newest: number): void {
  const { account } = movement
  const month = monthOf(movement.at)
  const key = statementKey({ account, month })
  const before = statements.get(key) ?? emptyStatement(account, month, closingBefore(account, month, statements))
  statements.set(key, withMovement(before, movement))
  if (newest !== 0 && monthOf(newest) <= month) return
  // There is a later month if the command of this movement waited into it.
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

/** A colon comes after all digits. */
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
