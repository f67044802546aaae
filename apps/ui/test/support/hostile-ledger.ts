import type { MockLedger } from './mock-ledger.ts'
import { me } from './mock-ledger.ts'

/** Names of the greatest length, without a place to break; and one that turns around the text after it. */
export const hostileName = 'W'.repeat(60)
const hostileNote = 'M'.repeat(200)
const turningName = 'Eve \u202Eecarg'

/** Fills a ledger with hostile names and notes, in every list that the pages show. */
export function addHostilePeople(ledger: MockLedger): { readonly requestId: string } {
  const mallory = { id: `auth0|${'x'.repeat(60)}`, name: hostileName, username: 'm'.repeat(30) }
  const eve = { id: 'eve', name: turningName, username: 'eve' }
  // Cyrillic letters: at first sight this is Grace Hopper.
  const double = { id: 'not-grace', name: 'Gr\u0430ce H\u043Epper', username: 'grace-h\u043Epper' }
  ledger.users.push(mallory, eve, double)
  for (const { id } of [eve, double, mallory]) {
    ledger.move(id, 1_234, { notes: hostileNote })
    ledger.act('payment', id, me, 1_234)
    ledger.act('request', mallory.id, id, 999_999_99)
    ledger.ask(me, 1_000, { debtor: id, notes: hostileNote })
    ledger.ask(id, 2_000, { notes: hostileNote })
  }
  ledger.ask(double.id, 3_000, { notes: `Lunch \u202E00.5$` })
  const { id: requestId } = ledger.ask(mallory.id, 1_500, { notes: hostileNote })
  return { requestId }
}
