/** Writes transfers and keeps accounts: the only file that changes a balance. */
import {
  applyEntry,
  type Balance,
  balance as balanceSchema,
  type Entries,
  type Entry,
  headerNames,
  mustOpen,
  type Opening,
  openingEntries,
  topicNames,
} from '@streampay/domain'
import type { NeighbourContext, OutgoingHeaders, ProcessorContext, StoreDefinition } from '@streampay/streams'
import { jsonHeaders, jsonSerde } from './serdes.ts'
import { historySink, ledgerSink } from './sinks.ts'

/** The balance of each account of the partition. Its changelog is the public topic `balances`. */
export const accountStore: StoreDefinition<Balance> = {
  name: 'accounts',
  changelog: topicNames.balances,
  value: jsonSerde(balanceSchema),
  headers: ownedBy,
}

export function accountOf(context: NeighbourContext, id: string): Balance | undefined {
  return context.store<Balance>(accountStore.name).get(id)
}

/** Opens the account with its grant if it is not open; an account opens only once, by the flag in its own record. */
export function openAccount(context: ProcessorContext, id: string, opening: Opening): void {
  if (!mustOpen(accountOf(context, id), id)) return
  writeTransfer(context, openingEntries(id, opening))
}

/**
 * Writes both entries to the ledger and applies the one of the initiating side at once, so that the next command sees it. It also
 * applies the other one if the task of that account runs in this process; otherwise that task applies it when it reads it.
 * Returns the balance of the initiating side.
 */
export function writeTransfer(context: ProcessorContext, { payer, recipient }: Entries): Balance {
  const [own, other] = payer.applied === 'writer' ? [payer, recipient] : [recipient, payer]
  const neighbour = context.taskOf(other.account)
  const told: Entry = neighbour === undefined ? other : { ...other, applied: 'writer' }
  for (const entry of own === payer ? [own, told] : [told, own]) {
    context.send(ledgerSink, { key: entry.account, value: entry, headers: ownedBy(entry.account) })
  }
  const balance = apply(context, own)
  if (neighbour !== undefined) apply(neighbour, told)
  return balance
}

/** Applies an entry to its account and writes a history row. The caller has decided that it may be applied. */
export function apply(context: NeighbourContext, entry: Entry): Balance {
  const { balance, row } = applyEntry(accountOf(context, entry.account), entry)
  context.store<Balance>(accountStore.name).set(entry.account, balance)
  context.send(historySink, { key: entry.account, value: row, headers: ownedBy(entry.account) })
  return balance
}

function ownedBy(account: string): OutgoingHeaders {
  return { ...jsonHeaders, [headerNames.identity]: account }
}
