/** INV-2 and INV-4: histories and balances against the fold of the ledger, account by account. */
import { type BalanceHistory, type Entry, treasuryId } from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type LogCut } from './cut.ts'

export function* verifyAccounts(cut: LogCut): Iterable<Finding> {
  const entriesOf = byAccount(cut.transactions)
  const rowsOf = byAccount(cut.histories)
  for (const [account, rows] of rowsOf) {
    yield* verifyRows(account, rows, entriesOf.get(account) ?? [])
    yield* verifyBalance(cut, account, rows)
  }
  for (const [account, entries] of entriesOf) yield* verifyApplied(cut, entries, rowsOf.get(account) ?? [])
  for (const [account, balance] of cut.balances) {
    if (!rowsOf.has(account)) {
      yield { invariant: 'INV-4', message: `${account} has a balance but no history`, record: coordinates(balance) }
    }
  }
}

/**
 * Credits that the readers of their accounts have still to apply. With them, the balances of a cut without open
 * transactions sum to zero; since every transfer does (INV-1) and every row has its entry (INV-4), so does the whole.
 */
export function creditsInFlight(cut: LogCut): { count: number; amount: number } {
  let count = 0
  let amount = 0
  for (const entry of cut.transactions) {
    if (entry.value.applied !== 'reader' || isBelow(entry, cut.appliedTransactions)) continue
    count += 1
    amount += entry.value.amount
  }
  return { count, amount }
}

function byAccount<T extends { readonly account: string }>(records: readonly Located<T>[]): Map<string, Located<T>[]> {
  const groups = new Map<string, Located<T>[]>()
  for (const record of records) {
    const group = groups.get(record.value.account)
    if (group === undefined) groups.set(record.value.account, [record])
    else group.push(record)
  }
  return groups
}

/** Gapless sequences from 1, a running balance that adds up and is never negative, and one entry for each row. */
function* verifyRows(
  account: string,
  rows: readonly Located<BalanceHistory>[],
  entries: readonly Located<Entry>[],
): Iterable<Finding> {
  const entryOf = new Map(entries.map((entry) => [entry.value.transferId, entry]))
  let sequence = 0
  let balance = 0
  for (const row of rows) {
    const record = coordinates(row)
    sequence += 1
    if (row.value.sequence !== sequence) {
      yield {
        invariant: 'INV-4',
        message: `history of ${account}: sequence ${row.value.sequence} follows ${sequence - 1}`,
        record,
      }
      sequence = row.value.sequence
    }
    if (row.value.balance !== balance + row.value.amount) {
      yield {
        invariant: 'INV-4',
        message: `history of ${account}, sequence ${sequence}: ${balance} and ${row.value.amount} make ${balance + row.value.amount}, not ${row.value.balance}`,
        record,
      }
    }
    balance = row.value.balance
    if (balance < 0 && account !== treasuryId) {
      yield { invariant: 'INV-2', message: `${account} is at ${balance} after sequence ${sequence}`, record }
    }
    const entry = entryOf.get(row.value.transferId)
    if (entry === undefined) {
      yield {
        invariant: 'INV-4',
        message: `history of ${account}: no entry on the ledger for transfer ${row.value.transferId}`,
        record,
      }
    } else if (entry.value.amount !== row.value.amount) {
      yield {
        invariant: 'INV-4',
        message: `history of ${account} applied ${row.value.amount} for transfer ${row.value.transferId}, the entry ${coordinates(entry)} says ${entry.value.amount}`,
        record,
      }
    }
  }
}

/** Every entry that must have been applied has exactly one row. */
function* verifyApplied(
  cut: LogCut,
  entries: readonly Located<Entry>[],
  rows: readonly Located<BalanceHistory>[],
): Iterable<Finding> {
  const rowOf = new Map<string, Located<BalanceHistory>>()
  for (const row of rows) {
    const earlier = rowOf.get(row.value.transferId)
    if (earlier !== undefined) {
      yield {
        invariant: 'INV-3',
        message: `transfer ${row.value.transferId} was applied twice to ${row.value.account}`,
        record: `${coordinates(earlier)}, ${coordinates(row)}`,
      }
    }
    rowOf.set(row.value.transferId, row)
  }
  for (const entry of entries) {
    const decided = entry.value.applied === 'writer' ? cut.stableTransactions : cut.appliedTransactions
    if (rowOf.has(entry.value.transferId) || !isBelow(entry, decided)) continue
    yield {
      invariant: 'INV-4',
      message: `entry of ${entry.value.amount} for ${entry.value.account}, transfer ${entry.value.transferId}, was never applied: no history row`,
      record: coordinates(entry),
    }
  }
}

/** The newest balance is that of the row with its sequence, and not behind what was stable before it was read. */
function* verifyBalance(cut: LogCut, account: string, rows: readonly Located<BalanceHistory>[]): Iterable<Finding> {
  const balance = cut.balances.get(account)
  const lastStable = rows.findLast((row) => isBelow(row, cut.stableHistories))
  if (balance === undefined) {
    if (lastStable === undefined) return
    yield { invariant: 'INV-4', message: `${account} has a history but no balance`, record: coordinates(lastStable) }
    return
  }
  const record = coordinates(balance)
  if (lastStable !== undefined && balance.value.sequence < lastStable.value.sequence) {
    yield {
      invariant: 'INV-4',
      message: `balance of ${account} is at sequence ${balance.value.sequence}, its history at ${lastStable.value.sequence}`,
      record,
    }
  }
  const row = rows.find((candidate) => candidate.value.sequence === balance.value.sequence)
  if (row === undefined) {
    yield {
      invariant: 'INV-4',
      message: `balance of ${account} is at sequence ${balance.value.sequence}, which has no history row`,
      record,
    }
  } else if (row.value.balance !== balance.value.balance) {
    yield {
      invariant: 'INV-4',
      message: `balance of ${account} is ${balance.value.balance} at sequence ${row.value.sequence}, its history says ${row.value.balance}`,
      record: `${record}, ${coordinates(row)}`,
    }
  }
}
