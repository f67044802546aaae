/** INV-1 and INV-3 on the ledger alone: the two entries of every transfer, and each transfer once. */
import { type Entry, isReserved, openingGrantCents, openingTransferId, transferIdOf } from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type LogCut } from './cut.ts'

/** The entries of each transfer, in log order, by transferId. */
export function transfersOf(entries: readonly Located<Entry>[]): Map<string, Located<Entry>[]> {
  const transfers = new Map<string, Located<Entry>[]>()
  for (const entry of entries) {
    const known = transfers.get(entry.value.transferId)
    if (known === undefined) transfers.set(entry.value.transferId, [entry])
    else known.push(entry)
  }
  return transfers
}

export function* verifyTransfers(cut: LogCut, transfers: ReadonlyMap<string, Located<Entry>[]>): Iterable<Finding> {
  for (const [transferId, entries] of transfers) {
    yield* verifyPair(cut, transferId, entries)
    for (const entry of entries) yield* verifyEntry(entry)
  }
  yield* verifyOpenings(cut)
}

function* verifyPair(cut: LogCut, transferId: string, entries: readonly Located<Entry>[]): Iterable<Finding> {
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
    // The other entry of a transfer above the stable offsets may lie past what was read.
    if (isBelow(first, cut.stableTransactions)) {
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
}

function* verifyEntry(entry: Located<Entry>): Iterable<Finding> {
  const { value } = entry
  if (!Number.isSafeInteger(value.amount) || value.amount === 0) {
    yield {
      invariant: 'INV-1',
      message: `amount ${value.amount} is not a whole number of cents other than 0`,
      record: coordinates(entry),
    }
  }
  if (entry.key !== value.account) {
    yield {
      invariant: 'INV-1',
      message: `the key is ${entry.key}, the account ${value.account}`,
      record: coordinates(entry),
    }
  }
  const expected =
    value.kind === 'opening'
      ? openingTransferId(isReserved(value.account) ? value.counterparty : value.account)
      : transferIdOf({ partition: value.commandPartition, offset: value.commandOffset })
  if (value.transferId !== expected) {
    yield {
      invariant: 'INV-3',
      message: `transfer ${value.transferId} names record ${value.commandPartition}@${value.commandOffset} as its cause, whose transfer is ${expected}`,
      record: coordinates(entry),
    }
  }
}

function* verifyOpenings(cut: LogCut): Iterable<Finding> {
  const openings = new Map<string, Located<Entry>>()
  for (const entry of cut.transactions) {
    if (entry.value.kind !== 'opening' || isReserved(entry.value.account)) continue
    if (entry.value.amount !== openingGrantCents) {
      yield {
        invariant: 'INV-1',
        message: `the opening grant of ${entry.value.account} is ${entry.value.amount}, not ${openingGrantCents}`,
        record: coordinates(entry),
      }
    }
    const earlier = openings.get(entry.value.account)
    if (earlier === undefined) openings.set(entry.value.account, entry)
    else
      yield {
        invariant: 'INV-3',
        message: `${entry.value.account} was opened twice`,
        record: `${coordinates(earlier)}, ${coordinates(entry)}`,
      }
  }
}
