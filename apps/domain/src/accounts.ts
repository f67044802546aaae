/** An account is the fold of its entries: balance and gapless sequence (INV-4). */
import { isReserved, treasuryId } from './identities.ts'
import { add, cents } from './money.ts'
import type { Balance, BalanceHistory, Entry } from './schemas.ts'

/** Whether an identity still has to get its opening grant. The system's own accounts never do. */
export function mustOpen(account: Balance | undefined, id: string): boolean {
  return account?.opened !== true && !isReserved(id)
}

/**
 * Applies one entry to its account; `account` is undefined before the first. A credit may come before the account opens:
 * the opening grant is then a later entry like any other.
 * @throws Error if the account would be negative (INV-2) or exceed the safe integers: the decisions before exclude both.
 */
export function applyEntry(account: Balance | undefined, entry: Entry): { balance: Balance; row: BalanceHistory } {
  const balance = add(cents(account?.balance ?? 0), cents(entry.amount))
  if (balance < 0 && entry.account !== treasuryId) {
    throw new Error(`Transfer ${entry.transferId} would take ${entry.account} to ${balance} cents`)
  }
  const sequence = (account?.sequence ?? 0) + 1
  const { transferId, at } = entry
  return {
    balance: {
      account: entry.account,
      balance,
      sequence,
      transferId,
      at,
      opened: account?.opened === true || (entry.kind === 'opening' && entry.amount > 0),
    },
    row: {
      account: entry.account,
      sequence,
      balance,
      amount: entry.amount,
      transferId,
      counterparty: entry.counterparty,
      kind: entry.kind,
      at,
    },
  }
}
