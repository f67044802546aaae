/**
 * The checks of one transfer alone (INV-1, INV-3, INV-4, INV-7): its two entries, the history rows that apply them, the reply that
 * acknowledges it and its activity. All of a transfer's records must be in the group; other transfers in it make no difference.
 */
import {
  type Activity,
  type BalanceHistory,
  type Entry,
  isPrivate,
  openingTransferId,
  transferIdOf,
  treasuryId,
} from '@streampay/domain'
import { type AcceptedReply, coordinates, type Finding, isBelow, type Located, type Marks } from './cut.ts'
import { isCounted } from './ledger-figures.ts'
import { repeatedActivities } from './repeated-activities.ts'

export type TransferGroup = {
  readonly transactions: readonly Located<Entry>[]
  readonly histories: readonly Located<BalanceHistory>[]
  readonly replies: readonly Located<AcceptedReply>[]
  /** Activities of payments; others are skipped. */
  readonly activities: readonly Located<Activity>[]
}

export function* verifyTransfers(marks: Marks, group: TransferGroup): Iterable<Finding> {
  for (const [transferId, entries] of Map.groupBy(group.transactions, ({ value }) => value.transferId)) {
    yield* verifyPair(marks, transferId, entries)
    for (const entry of entries) yield* verifyEntry(entry)
  }
  yield* verifyRows(marks, group)
  yield* verifyReplies(group)
  yield* verifyPaymentActivities(marks, group)
}

function* verifyPair(marks: Marks, transferId: string, entries: readonly Located<Entry>[]): Iterable<Finding> {
  const [first, second] = entries
  if (first === undefined) return
  const where = entries.map(coordinates).join(', ')
  if (entries.length > 2) {
    yield {
      invariant: 'INV-3',
      message: `transfer ${transferId} has ${entries.length} entries, not 2: ${where}`,
      record: where,
    }
    return
  }
  if (second === undefined) {
    // The other entry of a transfer above the stable offsets may be after the last record that was read.
    if (isBelow(first, marks.stableTransactions)) {
      yield {
        invariant: 'INV-1',
        message: `transfer ${transferId} has one entry; the other side is missing`,
        record: where,
      }
    }
    return
  }
  if (first.value.amount + second.value.amount !== 0) {
    yield {
      invariant: 'INV-1',
      message: `the entries of transfer ${transferId} sum to ${first.value.amount + second.value.amount}, not 0`,
      record: where,
    }
  }
  if (first.value.account !== second.value.counterparty || second.value.account !== first.value.counterparty) {
    yield { invariant: 'INV-1', message: `the entries of transfer ${transferId} do not name each other`, record: where }
  }
  if (isPrivate(first.value) !== isPrivate(second.value)) {
    yield { invariant: 'INV-7', message: `transfer ${transferId} is private in only one of its entries`, record: where }
  }
}

function* verifyEntry(entry: Located<Entry>): Iterable<Finding> {
  const { value } = entry
  const record = coordinates(entry)
  if (!Number.isSafeInteger(value.amount) || value.amount === 0) {
    yield { invariant: 'INV-1', message: `amount ${value.amount} is not a whole number of cents other than 0`, record }
  }
  if (entry.key !== value.account) {
    yield { invariant: 'INV-1', message: `the key is ${entry.key}, the account ${value.account}`, record }
  }
  const expected =
    value.kind === 'opening'
      ? openingTransferId(value.account === treasuryId ? value.counterparty : value.account)
      : transferIdOf({ partition: value.commandPartition, offset: value.commandOffset })
  if (value.transferId !== expected) {
    yield {
      invariant: 'INV-3',
      message: `transfer ${value.transferId} names record ${value.commandPartition}@${value.commandOffset} as its cause, whose transfer is ${expected}`,
      record,
    }
  }
  if (value.kind === 'opening') yield* verifyGrant(entry)
}

/**
 * An account opens with a grant from the treasury. Only the entries have its amount: the setting may have been different when the account
 * opened.
 */
function* verifyGrant(entry: Located<Entry>): Iterable<Finding> {
  const { account, counterparty, amount } = entry.value
  const record = coordinates(entry)
  const isGrant = account !== treasuryId
  if (isGrant ? counterparty !== treasuryId : amount >= 0) {
    yield { invariant: 'INV-1', message: `the opening grant of ${account} is not the treasury's debit`, record }
  }
  if (isGrant && amount <= 0) {
    yield { invariant: 'INV-1', message: `the opening grant of ${account} is ${amount}`, record }
  }
}

/** Every row applies an entry of its account, and every entry that must have been applied has exactly one row. */
function* verifyRows(marks: Marks, { transactions, histories }: TransferGroup): Iterable<Finding> {
  const entries = new Map(transactions.map((entry) => [sideOf(entry), entry]))
  const rows = new Map<string, Located<BalanceHistory>>()
  for (const row of histories) {
    const side = sideOf(row)
    yield* verifyRow(row, entries.get(side))
    const earlier = rows.get(side)
    if (earlier !== undefined) {
      yield {
        invariant: 'INV-3',
        message: `transfer ${row.value.transferId} was applied twice to ${row.value.account}`,
        record: `${coordinates(earlier)}, ${coordinates(row)}`,
      }
    }
    rows.set(side, row)
  }
  for (const entry of transactions) {
    const decided = entry.value.applied === 'writer' ? marks.stableTransactions : marks.appliedTransactions
    if (rows.has(sideOf(entry)) || !isBelow(entry, decided)) continue
    yield {
      invariant: 'INV-4',
      message: `entry of ${entry.value.amount} for ${entry.value.account}, transfer ${entry.value.transferId}, was never applied: no history row`,
      record: coordinates(entry),
    }
  }
}

function* verifyRow(row: Located<BalanceHistory>, entry: Located<Entry> | undefined): Iterable<Finding> {
  const { account, transferId, amount } = row.value
  if (entry === undefined) {
    yield {
      invariant: 'INV-4',
      message: `history of ${account}: no entry on the ledger for transfer ${transferId}`,
      record: coordinates(row),
    }
  } else if (entry.value.amount !== amount) {
    yield {
      invariant: 'INV-4',
      message: `history of ${account} applied ${amount} for transfer ${transferId}, the entry ${coordinates(entry)} says ${entry.value.amount}`,
      record: coordinates(row),
    }
  } else if (entry.value.at !== row.value.at || entry.value.counterparty !== row.value.counterparty) {
    yield {
      invariant: 'INV-4',
      message: `history of ${account}: time or counterparty of transfer ${transferId} differs from the entry ${coordinates(entry)}`,
      record: coordinates(row),
    }
  }
}

/** As clients see it: a payment that was acknowledged with 200 is on the ledger, with the balance in the answer. */
function* verifyReplies({ transactions, histories, replies }: TransferGroup): Iterable<Finding> {
  if (replies.length === 0) return
  const entries = new Set(transactions.map(sideOf))
  const rows = new Map(histories.map((row) => [sideOf(row), row]))
  for (const reply of replies) {
    const { transferId, identity, balance } = reply.value
    const side = `${identity}\n${transferId}`
    if (!entries.has(side)) {
      yield {
        invariant: 'INV-3',
        message: `payment ${transferId} of ${identity} was acknowledged, but is not on the ledger`,
        record: coordinates(reply),
      }
      continue
    }
    const row = rows.get(side)
    if (row !== undefined && row.value.balance !== balance) {
      yield {
        invariant: 'INV-3',
        message: `payment ${transferId} was acknowledged with balance ${balance}, its history row says ${row.value.balance}`,
        record: `${coordinates(reply)}, ${coordinates(row)}`,
      }
    }
  }
}

/** Each public payment has one activity, and each activity of a payment belongs to one on the ledger, with its amount. */
function* verifyPaymentActivities(marks: Marks, group: TransferGroup): Iterable<Finding> {
  const activities = group.activities.filter(({ value }) => value.type === 'payment')
  yield* repeatedActivities(activities)
  const told = new Set(activities.map(({ value }) => value.id))
  const payments = new Map(group.transactions.filter(isCounted).map((entry) => [entry.value.transferId, entry]))
  for (const entry of payments.values()) {
    if (!isBelow(entry, marks.countedTransactions) || entry.value.at < marks.activitiesFrom) continue
    if (told.has(entry.value.transferId)) continue
    const message = `there is no activity of payment ${entry.value.transferId}`
    yield { invariant: 'INV-7', message, record: coordinates(entry) }
  }
  for (const activity of activities) {
    const entry = payments.get(activity.value.id)
    if (entry === undefined) {
      yield {
        invariant: 'INV-7',
        message: `there is an activity of payment ${activity.value.id}, which is private or not on the ledger`,
        record: coordinates(activity),
      }
    } else if (entry.value.amount !== -activity.value.amount || entry.value.account !== activity.value.from) {
      yield {
        invariant: 'INV-7',
        message: `the activity of payment ${activity.value.id} differs from its entry`,
        record: `${coordinates(activity)}, ${coordinates(entry)}`,
      }
    }
  }
}

/** One account's part in one transfer. */
function sideOf({ value }: Located<{ readonly account: string; readonly transferId: string }>): string {
  return `${value.account}\n${value.transferId}`
}
