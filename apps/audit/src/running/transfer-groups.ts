/**
 * Transfers whose records are still arriving. A group is judged, by the rules of the whole audit (transfers.ts), once everything that must
 * be there has been written; a group without an entry is judged at once, since the ledger is read last.
 */
import type { Activity, BalanceHistory, Entry } from '@streampay/domain'
import { type AcceptedReply, coordinates, type Finding, isBelow, type Located, type Marks } from '../cut.ts'
import { isCounted } from '../ledger-figures.ts'
import { verifyTransfers } from '../transfers.ts'
import { boundedMap } from './bounded-map.ts'

type TransferRecords = {
  readonly transactions: Located<Entry>[]
  readonly histories: Located<BalanceHistory>[]
  readonly replies: Located<AcceptedReply>[]
  readonly activities: Located<Activity>[]
}

/** The number of judged transfers that are remembered, with their acknowledgement: an answer may be repeated. */
const mostJudged = 100_000

export class TransferGroups {
  readonly #groups = new Map<string, TransferRecords>()
  readonly #judged = boundedMap<string, { readonly balance: number | undefined }>(mostJudged)
  judged = 0

  /** Transfers of which records are still missing. */
  get open(): number {
    return this.#groups.size
  }

  addEntry(entry: Located<Entry>): void {
    this.#groupOf(entry.value.transferId).transactions.push(entry)
  }

  addRow(row: Located<BalanceHistory>): void {
    this.#groupOf(row.value.transferId).histories.push(row)
  }

  addActivity(activity: Located<Activity>): void {
    this.#groupOf(activity.value.id).activities.push(activity)
  }

  /** A command that is repeated gets its answer again: each further answer is compared with the first one. */
  *addReply(reply: Located<AcceptedReply>): Iterable<Finding> {
    const { transferId, balance } = reply.value
    const earlier = this.#judged.get(transferId)
    if (earlier === undefined) this.#groupOf(transferId).replies.push(reply)
    else if (earlier.balance !== undefined && earlier.balance !== balance) {
      const message = `payment ${transferId} was acknowledged with balance ${earlier.balance}, and again with ${balance}`
      yield { invariant: 'INV-3', message, record: coordinates(reply) }
    }
  }

  /** @param marks taken before the records that were added last were read */
  *judge(marks: Marks): Iterable<Finding> {
    for (const [transferId, group] of this.#groups) {
      if (!isDecided(group, marks)) continue
      this.#groups.delete(transferId)
      this.judged += 1
      if (this.#judged.has(transferId)) yield* repeated(transferId, group)
      else yield* verifyTransfers(marks, group)
      this.#judged.set(transferId, { balance: group.replies[0]?.value.balance })
    }
  }

  #groupOf(transferId: string): TransferRecords {
    const known = this.#groups.get(transferId)
    if (known !== undefined) return known
    const group: TransferRecords = { transactions: [], histories: [], replies: [], activities: [] }
    this.#groups.set(transferId, group)
    return group
  }
}

/** Everything that the services do with these entries is done, or a missing record can no longer come. */
function isDecided({ transactions }: TransferRecords, marks: Marks): boolean {
  return transactions.every((entry) => {
    if (!isBelow(entry, marks.stableTransactions)) return false
    if (entry.value.applied === 'reader' && !isBelow(entry, marks.appliedTransactions)) return false
    return !isCounted(entry) || isBelow(entry, marks.countedTransactions)
  })
}

/** More records of a transfer that was complete. */
function* repeated(transferId: string, { transactions, histories, activities }: TransferRecords): Iterable<Finding> {
  for (const entry of transactions) {
    yield { invariant: 'INV-3', message: `transfer ${transferId} has one more entry`, record: coordinates(entry) }
  }
  for (const row of histories) {
    const message = `transfer ${transferId} was applied to ${row.value.account} again`
    yield { invariant: 'INV-3', message, record: coordinates(row) }
  }
  for (const activity of activities) {
    yield {
      invariant: 'INV-7',
      message: `activity payment ${transferId} is on the log twice`,
      record: coordinates(activity),
    }
  }
}
