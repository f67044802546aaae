import { EventEmitter } from 'node:events'
import {
  type Activity,
  type Balance,
  type BalanceHistory,
  type BlockedPerson,
  type Entry,
  emptyPerson,
  emptyStatement,
  type FavouritePerson,
  monthOf,
  type PaymentRequest,
  type Preferences,
  type Statement,
  type StatementPerson,
  startOfMonth,
  type User,
  type Visibility,
  withMovement,
  withMovementOf,
} from '@streampay/domain'

export const me = 'ada'
const names = [
  'Ada Lovelace',
  'Grace Hopper',
  'Alan Turing',
  'Katherine Johnson',
  'Edsger Dijkstra',
  'Barbara Liskov',
  'Dennis Ritchie',
  'Radia Perlman',
  'Margaret Hamilton',
  'Tony Hoare',
  'Shafi Goldwasser',
  'Maximiliana-Konstantina Oberndorfer von Hohenstein',
]
const notes = [
  'Lunch at the corner place',
  'Train tickets',
  undefined,
  'Rent, November',
  'Concert',
  undefined,
  'Thanks for the coffee — the good one, with oat milk and far too much cinnamon on top',
]

export type Change = { readonly path: string; readonly record: unknown; readonly event?: 'delete' }

export type MockLedger = ReturnType<typeof createMockLedger>

/** A few people, some history, and the events of a test. Emits `change` with the view's path and the record. */
export function createMockLedger({ empty }: { empty: boolean }) {
  const events = new EventEmitter().setMaxListeners(0)
  const users: User[] = names.map((name) => ({ id: idOf(name), name, username: idOf(name) }))
  const activities: Activity[] = []
  const entries: Entry[] = []
  const history: BalanceHistory[] = []
  const statements = new Map<string, Statement>()
  const statementPeople = new Map<string, StatementPerson>()
  const incoming: PaymentRequest[] = []
  const sent: PaymentRequest[] = []
  const blocked: BlockedPerson[] = []
  const preferences: Preferences[] = []
  const favourites: FavouritePerson[] = []
  const started = Date.now()
  let offset = 0

  /** All events, in order: a stream continues from its index in it. */
  const changes: Change[] = []

  function tell(path: string, record: unknown, event?: 'delete') {
    const change = { path, record, ...(event === undefined ? {} : { event }) }
    changes.push(change)
    events.emit('change', change)
  }

  function balance(): Balance {
    const last = history.at(-1)
    return {
      account: me,
      balance: last?.balance ?? 0,
      sequence: history.length,
      transferId: last?.transferId ?? '',
      at: last?.at ?? 0,
      opened: true,
    }
  }

  function move(counterparty: string, amount: number, more: Partial<Entry> = {}): Entry {
    offset += 1
    const entry: Entry = {
      transferId: `t0-${offset}`,
      account: me,
      counterparty,
      amount,
      kind: 'payment',
      commandPartition: 0,
      commandOffset: offset,
      applied: 'writer',
      at: Date.now(),
      ...more,
    }
    entries.push(entry)
    const row: BalanceHistory = {
      account: me,
      sequence: history.length + 1,
      balance: balance().balance + amount,
      amount,
      transferId: entry.transferId,
      counterparty,
      kind: entry.kind,
      at: entry.at,
    }
    history.push(row)
    const month = monthOf(row.at)
    const opening = [...statements.values()].at(-1)?.closing ?? 0
    statements.set(month, withMovement(statements.get(month) ?? emptyStatement(me, month, opening), row))
    const person = `${month}${counterparty}`
    statementPeople.set(
      person,
      withMovementOf(statementPeople.get(person) ?? emptyPerson(me, month, counterparty), row),
    )
    tell('/statements', statements.get(month))
    tell('/transactions', entry)
    tell('/balance-histories', row)
    tell('/current-balance', balance())
    return entry
  }

  function act(type: Activity['type'], from: string, to: string, amount: number, at = Date.now()) {
    const nameOf = (id: string) => users.find((user) => user.id === id)?.name ?? id
    offset += 1
    const activity: Activity = {
      id: `x${offset}`,
      type,
      from,
      fromName: nameOf(from),
      to,
      toName: nameOf(to),
      amount,
      at,
    }
    activities.push(activity)
    tell('/activities', activity)
  }

  function ask(requester: string, amount: number, more: Partial<PaymentRequest> = {}) {
    offset += 1
    const request: PaymentRequest = {
      id: `r0-${offset}`,
      requester,
      debtor: me,
      amount,
      status: 'open',
      createdAt: Date.now(),
      ...more,
    }
    if (requester === me) {
      sent.push(request)
      tell('/sent-payment-requests', request)
    } else {
      incoming.push(request)
      tell('/payment-requests', request)
    }
    return request
  }

  function change(id: string, fields: Partial<PaymentRequest>) {
    const list = incoming.some((request) => request.id === id) ? incoming : sent
    const index = list.findIndex((request) => request.id === id)
    const request = list[index]
    if (request === undefined) return
    const changed = { ...request, ...fields }
    list[index] = changed
    tell(list === incoming ? '/payment-requests' : '/sent-payment-requests', changed)
  }

  function close(id: string, status: PaymentRequest['status']) {
    change(id, { status, closedAt: Date.now() })
  }

  function remind(id: string, remindedAt = Date.now()): number {
    change(id, { remindedAt, reminders: 1 })
    return remindedAt
  }

  function block(id: string) {
    blocked.push({ id: `${me}:${id}`, blocker: me, blocked: id, at: Date.now() })
    tell('/blocked-people', blocked.at(-1))
  }

  function unblock(id: string) {
    const index = blocked.findIndex((item) => item.blocked === id)
    if (index >= 0) blocked.splice(index, 1)
    tell('/blocked-people', `${me}:${id}`, 'delete')
  }

  function prefer(visibility: Visibility): Preferences {
    const mine = { id: me, visibility }
    preferences.splice(0, 1, mine)
    tell('/current-preferences', mine)
    return mine
  }

  function favour(favourite: string) {
    favourites.push({ id: `${me}:${favourite}`, owner: me, favourite, at: Date.now() })
    tell('/favourite-people', favourites.at(-1))
  }

  function unfavour(id: string) {
    const index = favourites.findIndex(({ favourite }) => favourite === id)
    if (index >= 0) favourites.splice(index, 1)
    tell('/favourite-people', `${me}:${id}`, 'delete')
  }

  if (!empty) fill()
  function fill() {
    const hour = 3_600_000
    move('streampay:treasury', 50_000, { transferId: `opening:${me}`, kind: 'opening', at: started - 40 * 24 * hour })
    // Within the present month, on any day of it.
    const step = Math.min(11 * hour, Math.floor((started - startOfMonth(monthOf(started))) / 61))
    for (let index = 0; index < 60; index += 1) {
      const person = users[1 + ((index * 7) % 11)]
      const cents = 500 + ((index * 7919) % 9_000)
      const note = notes[index % notes.length]
      const amount = index % 3 === 0 ? -Math.min(cents, balance().balance) : cents
      move(person?.id ?? '', amount, {
        at: started - (60 - index) * step,
        ...(note === undefined ? {} : { notes: note }),
      })
    }
    for (let index = 0; index < 24; index += 1) {
      const type = (['payment', 'payment', 'request', 'payment', 'decline', 'cancel'] as const)[index % 6] ?? 'payment'
      act(
        type,
        users[(index * 5) % 12]?.id ?? '',
        users[(index * 5 + 3) % 12]?.id ?? '',
        1_000 + ((index * 4_253) % 20_000),
        started - (24 - index) * 400_000,
      )
    }
    ask('grace-hopper', 2_450, { notes: 'Half of the dinner', createdAt: started - 600_000 })
    ask(idOf(names[11] ?? ''), 1_999_99, {
      notes: 'Compiler licence; a note that is rather long and says in many words what the money is wanted for',
      createdAt: started - 7_200_000,
    })
    ask('barbara-liskov', 700, { status: 'paid', notes: 'Coffee', createdAt: started - 80_000_000 })
    ask('dennis-ritchie', 900, { status: 'expired', notes: 'A book', createdAt: started - 31 * 24 * hour })
    ask(me, 3_000, { debtor: 'alan-turing', notes: 'Tickets', createdAt: started - 5_000_000 })
    ask(me, 1_250, { debtor: 'grace-hopper', status: 'paid', createdAt: started - 90_000_000 })
    ask(me, 8_000, { debtor: 'tony-hoare', status: 'declined', createdAt: started - 190_000_000 })
    ask(me, 8_000, { debtor: 'radia-perlman', status: 'cancelled', createdAt: started - 290_000_000 })
  }

  return {
    events,
    changes,
    users,
    activities,
    entries,
    statements,
    statementPeople,
    history,
    incoming,
    sent,
    blocked,
    block,
    unblock,
    favourites,
    favour,
    unfavour,
    balance,
    move,
    act,
    ask,
    close,
    remind,
    etag: '"1"',
    preferences,
    prefer,
  }
}

function idOf(name: string): string {
  return name === 'Ada Lovelace' ? me : name.toLowerCase().replaceAll(/[^a-z]+/g, '-')
}
