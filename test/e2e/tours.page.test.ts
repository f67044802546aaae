/**
 * The tour by several people at a time, each in a browser context of their own: when one of them kills the payments service, the others ask
 * and pay. TOURS is the number of tours, by default 20. Afterwards the whole audit
 * finds nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saveData } from '../../apps/ui/test/support/browser.ts'
import { desktop, phone } from '../../apps/ui/test/support/wallet-driver.ts'
import { auditOf } from './support/audit-of.ts'
import { type Demo, openDemo } from './support/demo.ts'
import { Friend, type PaymentRequest } from './support/friend.ts'

const tours = Number(process.env.TOURS ?? 20)
/** Tours at a time: a tour mostly waits, for a virtual person who asks for money or for a service that restarts. */
const people = [
  { id: 'ada', name: 'Ada Lovelace' },
  ...['Barbara Liskov', 'Donald Knuth', 'Edsger Dijkstra', 'Frances Allen', 'Niklaus Wirth', 'Radia Perlman'].map(
    (name) => ({
      id: name.toLowerCase().replace(' ', '-'),
      name,
    }),
  ),
].slice(0, tours)
/** Timeout of a station: the kill of another tour may come in between. */
const stationTimeoutMs = 90_000

let demo: Demo
beforeAll(async () => {
  demo = await openDemo()
}, 120_000)
afterAll(() => demo?.close(), 60_000)

describe(`the tour, ${tours} times`, () => {
  it(
    'does what it says for each of those who take it',
    async () => {
      let begun = 0
      await Promise.all(
        people.map(async (person) => {
          while (begun < tours) {
            begun += 1
            await takeTour(person, begun)
          }
        }),
      )
      expect(await auditOf(demo)).toContain('INV-3 holds')
    },
    180_000 + Math.ceil(tours / people.length) * 150_000,
  )
})

async function takeTour({ id, name }: { readonly id: string; readonly name: string }, number: number): Promise<void> {
  const visit = await demo.visit(number % 2 === 0 ? desktop : phone)
  await saveData(visit.context)
  const { page } = visit
  const friend = new Friend(demo.bank, { id, name })
  const card = page.getByRole('complementary')
  const press = (button: string | RegExp) => card.getByRole('button', { name: button }).click()
  const says = async (words: RegExp) => {
    const status = card.getByRole('status')
    // The text that the page shows instead is part of the failure.
    await expect
      .poll(() => status.allInnerTexts(), { timeout: stationTimeoutMs })
      .toEqual([expect.stringMatching(words)])
    return status.innerText()
  }
  // While the service is down, perhaps by another tour, an answer may be "try again".
  visit.answers.mayFail = true
  await visit.signIn(async () => {
    await page.getByLabel('Your name').fill(name)
    await page.getByRole('button', { name: 'Continue' }).click()
  })
  await page.goto(`${demo.app.origin}/?tour`)
  await card.getByText('1 of 5').waitFor()
  const before = await friend.entries()
  const isNew = ({ transferId }: { readonly transferId: string }) =>
    !before.some((entry) => entry.transferId === transferId)

  await press('Ask')
  await says(/^You asked .* for \$12\.50\.$/)
  await press('Next')
  await press('Wait for the answer')
  await says(/paid \$12\.50, \d+ (s|min) after you asked\.$/)
  expect(await friend.entriesThat((entry) => isNew(entry) && entry.amount === 1_250)).toHaveLength(1)
  await press('Next')

  const paidBefore = await paidRequests(friend)
  await press('Wait, and pay it')
  await says(/^You paid \$[\d.]+\. The request is settled/)
  await expect.poll(() => paidRequests(friend)).toBe(paidBefore + 1)
  await press('Next')

  await press('Follow the payment')
  await says(/what one transaction made of it/)
  await press('Next')

  await press('Kill it, and pay $1')
  const told = await says(/^Your payment waited \d+ s .* went through once, as t\d+-\d+\./)
  const [transferId] = /t\d+-\d+/.exec(told) ?? []
  const [dollar, ...others] = await friend.entriesThat((entry) => isNew(entry) && entry.amount === -100)
  expect([dollar?.transferId, others]).toEqual([transferId, []])
  await press('Done')
  await card.waitFor({ state: 'detached' })
  expect(visit.faults).toEqual([])
  await visit.context.close()
}

async function paidRequests(friend: Friend): Promise<number> {
  return (await friend.read<PaymentRequest[]>('/payment-requests')).filter(({ status }) => status === 'paid').length
}
