/** Violations of the invariants, each as a change of a correct log. */
import type {
  Activity,
  Balance,
  BalanceHistory,
  Entry,
  PaymentRequest,
  Statement,
  StatementPerson,
  TotalTransactions,
} from '@streampay/domain'
import { topicNames } from '@streampay/domain'
import type { LedgerLog, LogRecord } from './ledger-log.ts'

const {
  transactions,
  balances,
  balanceHistories,
  paymentRequests,
  activities,
  statements,
  statementPeople,
  totalTransactions,
  averageTransactions,
} = topicNames

export type Violation = {
  readonly name: string
  readonly invariant: string
  /** Not found by the running audit, which does not know an account's statements from before it began. */
  readonly isFoundByWholeAuditAlone?: true
  /** @returns the name in its finding */
  readonly alter: (log: LedgerLog) => string
}

export const violations: readonly Violation[] = [
  {
    name: 'an entry was removed',
    invariant: 'INV-1',
    alter: (log) => {
      const [entry] = take(log, transactions, (value: Entry) => value.kind === 'payment' && value.amount > 0)
      remove(log, transactions, entry)
      return (entry.value as Entry).transferId
    },
  },
  {
    name: 'an entry was doubled',
    invariant: 'INV-3',
    alter: (log) => {
      const [entry] = take(log, transactions, (value: Entry) => value.kind === 'payment')
      log.get(transactions)?.push(entry)
      return (entry.value as Entry).transferId
    },
  },
  {
    name: "an entry's amount was altered",
    invariant: 'INV-1',
    alter: (log) => {
      const [entry] = take(log, transactions, (value: Entry) => value.kind === 'payment')
      replace(log, transactions, entry, { amount: (entry.value as Entry).amount + 1 })
      return (entry.value as Entry).transferId
    },
  },
  {
    name: 'both entries were altered alike, so that they still sum to zero',
    invariant: 'INV-4',
    alter: (log) => {
      const [entry] = take(log, transactions, (value: Entry) => value.kind === 'payment')
      const { transferId } = entry.value as Entry
      for (const side of take(log, transactions, (value: Entry) => value.transferId === transferId)) {
        replace(log, transactions, side, { amount: (side.value as Entry).amount * 2 })
      }
      return transferId
    },
  },
  {
    name: 'a credit was not applied',
    invariant: 'INV-4',
    alter: (log) => {
      // The last change of an account was a credit: here neither its row nor its balance includes it.
      const lastOf = new Map((log.get(balanceHistories) ?? []).map((record) => [record.key, record]))
      const rows = [...lastOf.values()]
      const row = rows.find((record) => (record.value as BalanceHistory).amount > 0)
      if (row === undefined) throw new Error('no account ends with a credit')
      const { account, sequence, transferId } = row.value as BalanceHistory
      remove(log, balanceHistories, row)
      for (const version of take(
        log,
        balances,
        (value: Balance) => value.account === account && value.sequence === sequence,
      )) {
        remove(log, balances, version)
      }
      return transferId
    },
  },
  {
    name: 'a history row is missing',
    invariant: 'INV-4',
    alter: (log) => {
      const [row] = take(
        log,
        balanceHistories,
        (value: BalanceHistory) => value.account === 'ada' && value.sequence === 3,
      )
      remove(log, balanceHistories, row)
      return 'history of ada'
    },
  },
  {
    name: 'a balance differs from its history',
    invariant: 'INV-4',
    alter: (log) => {
      const [last] = take(log, balances, (value: Balance) => value.account === 'bela').toReversed()
      if (last === undefined) throw new Error('bela has no balance')
      replace(log, balances, last, { balance: (last.value as Balance).balance + 1 })
      return 'balance of bela'
    },
  },
  {
    name: 'a balance went below zero',
    invariant: 'INV-2',
    alter: (log) => {
      const [row] = take(
        log,
        balanceHistories,
        (value: BalanceHistory) => value.account === 'bela' && value.sequence === 2,
      )
      replace(log, balanceHistories, row, { balance: -1 })
      return 'bela is at -1'
    },
  },
  {
    name: 'an acknowledged payment is not on the ledger',
    invariant: 'INV-3',
    alter: (log) => {
      const [entry] = take(log, transactions, (value: Entry) => value.kind === 'payment')
      const { transferId } = entry.value as Entry
      for (const side of take(log, transactions, (value: Entry) => value.transferId === transferId))
        remove(log, transactions, side)
      return `payment ${transferId}`
    },
  },
  {
    name: 'a request was paid twice',
    invariant: 'INV-5',
    alter: (log) => {
      const [request] = take(log, paymentRequests, (value: PaymentRequest) => value.status === 'paid')
      const { id, debtor } = request.value as PaymentRequest
      const [other] = take(
        log,
        transactions,
        (value: Entry) => value.account === debtor && value.amount < 0 && value.requestId === undefined,
      )
      replace(log, transactions, other, { requestId: id })
      return `request ${id} was paid 2 times`
    },
  },
  {
    name: 'a request was paid with another amount',
    invariant: 'INV-5',
    alter: (log) => {
      const versions = take(log, paymentRequests, (value: PaymentRequest) => value.amount === 777)
      for (const version of versions) replace(log, paymentRequests, version, { amount: 776 })
      return 'over 776 was paid with 777'
    },
  },
  {
    name: 'somebody was reminded twice in a day',
    invariant: 'INV-5',
    alter: (log) => {
      const [request] = take(log, paymentRequests, (value: PaymentRequest) => value.status === 'declined')
      const { id, createdAt } = request.value as PaymentRequest
      replace(log, paymentRequests, request, { remindedAt: createdAt + 80_000_000, reminders: 2 })
      return `request ${id} of ${createdAt} had 2 reminders`
    },
  },
  {
    name: 'the total is off by one',
    invariant: 'INV-7',
    alter: (log) => {
      const last = log.get(totalTransactions)?.at(-1)
      if (last === undefined) throw new Error('there is no total')
      replace(log, totalTransactions, last, { count: (last.value as TotalTransactions).count + 1 })
      return 'total count is'
    },
  },
  {
    name: 'the average is off by one',
    invariant: 'INV-7',
    alter: (log) => {
      const last = log.get(averageTransactions)?.at(-1)
      if (last === undefined) throw new Error('there is no average')
      replace(log, averageTransactions, last, { mean: (last.value as { mean: number }).mean + 1 })
      return 'the average is'
    },
  },
  {
    name: 'a statement closes with another balance',
    invariant: 'INV-7',
    alter: (log) => {
      const last = take(log, statements, (value: Statement) => value.account === 'bela').at(-1)
      if (last === undefined) throw new Error('bela has no statement')
      replace(log, statements, last, { closing: (last.value as Statement).closing + 1 })
      return 'statement of bela'
    },
  },
  {
    name: 'a statement leaves out the last movements',
    invariant: 'INV-7',
    alter: (log) => {
      const [first, ...more] = take(log, statements, (value: Statement) => value.account === 'ada')
      for (const version of more) remove(log, statements, version)
      return `statement of ada is at sequence ${(first.value as Statement).sequence}`
    },
  },
  {
    name: 'a person is missing in a statement',
    invariant: 'INV-7',
    isFoundByWholeAuditAlone: true,
    alter: (log) => {
      const isBela = (value: StatementPerson) => value.account === 'ada' && value.counterparty === 'bela'
      for (const version of take(log, statementPeople, isBela)) remove(log, statementPeople, version)
      return 'with bela: there is no row'
    },
  },
  {
    name: 'a statement has a month without movements',
    invariant: 'INV-7',
    isFoundByWholeAuditAlone: true,
    alter: (log) => {
      const [row] = take(log, statements, (value: Statement) => value.account === 'ada')
      log
        .get(statements)
        ?.push({ ...row, key: '3:ada2001-01', value: { ...(row.value as Statement), month: '2001-01' } })
      return 'statement of ada, 2001-01: which has no movement'
    },
  },
  {
    name: 'a history row names another time than its entry',
    invariant: 'INV-4',
    alter: (log) => {
      const [row] = take(
        log,
        balanceHistories,
        (value: BalanceHistory) => value.account === 'ada' && value.kind === 'payment',
      )
      replace(log, balanceHistories, row, { at: (row.value as BalanceHistory).at + 1 })
      return 'history of ada: time or counterparty'
    },
  },
  {
    name: 'an activity stands twice',
    invariant: 'INV-7',
    alter: (log) => {
      const [event] = take(log, activities, (value: Activity) => value.type === 'decline')
      log.get(activities)?.push(event)
      return `decline ${(event.value as Activity).id}`
    },
  },
  {
    name: 'an activity is missing',
    invariant: 'INV-7',
    alter: (log) => {
      const [event] = take(log, activities, (value: Activity) => value.type === 'payment')
      remove(log, activities, event)
      return (event.value as Activity).id
    },
  },
  {
    name: 'a private payment has an activity',
    invariant: 'INV-7',
    alter: (log) => {
      const [entry] = take(log, transactions, (value: Entry) => value.amount === -61)
      const id = (entry.value as Entry).transferId
      tell(log, { id, type: 'payment', from: 'chioma', to: 'dimitri', amount: 61 })
      return `payment ${id}, which is private`
    },
  },
  {
    name: 'a private request has an activity',
    invariant: 'INV-7',
    alter: (log) => {
      const [request] = take(log, paymentRequests, (value: PaymentRequest) => value.amount === 63)
      const { id } = request.value as PaymentRequest
      tell(log, { id, type: 'decline', from: 'bela', to: 'chioma', amount: 63 })
      return `private decline ${id}`
    },
  },
  {
    name: 'the payment of a private request is public',
    invariant: 'INV-7',
    alter: (log) => {
      const sides = take(log, transactions, (value: Entry) => Math.abs(value.amount) === 62)
      for (const side of sides) replace(log, transactions, side, { visibility: undefined })
      return 'is private, and its payment is public'
    },
  },
  {
    name: 'a payment is private in only one of its entries',
    invariant: 'INV-7',
    alter: (log) => {
      const [side] = take(log, transactions, (value: Entry) => value.amount === 61)
      replace(log, transactions, side, { visibility: undefined })
      return `transfer ${(side.value as Entry).transferId} is private in only one of its entries`
    },
  },
]

function tell(log: LedgerLog, event: Pick<Activity, 'id' | 'type' | 'from' | 'to' | 'amount'>): void {
  const [other] = take(log, activities, (value: Activity) => value.type === 'payment')
  log.get(activities)?.push({ ...other, key: event.from, value: { ...(other.value as Activity), ...event } })
}

/** The records that match, of which there must be one. */
export function take<T>(log: LedgerLog, topic: string, matches: (value: T) => boolean): [LogRecord, ...LogRecord[]] {
  const [first, ...more] = (log.get(topic) ?? []).filter(
    (record) => record.value !== null && matches(record.value as T),
  )
  if (first === undefined) throw new Error(`no record of ${topic} matches`)
  return [first, ...more]
}

export function remove(log: LedgerLog, topic: string, record: LogRecord): void {
  log.set(
    topic,
    (log.get(topic) ?? []).filter((other) => other !== record),
  )
}

export function replace(log: LedgerLog, topic: string, record: LogRecord, change: object): void {
  const altered = { ...record, value: { ...(record.value as object), ...change } }
  log.set(
    topic,
    (log.get(topic) ?? []).map((other) => (other === record ? altered : other)),
  )
}
