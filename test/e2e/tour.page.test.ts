/** The tour, station by station, in a real browser against the real application: each station does what it says. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, openDemo, type Visit } from './support/demo.ts'
import { Friend, type PaymentRequest } from './support/friend.ts'

let demo: Demo
let visit: Visit
let mine: Friend
beforeAll(async () => {
  demo = await openDemo()
  visit = await demo.visit({ width: 1280, height: 860 })
  mine = new Friend(demo.bank, { id: 'ada', name: 'Ada Lovelace' })
}, 120_000)
afterEach(() => {
  expect(visit.faults.splice(0)).toEqual([])
})
afterAll(() => demo?.close(), 60_000)

const card = () => visit.page.getByRole('complementary')
const press = (name: string | RegExp) => card().getByRole('button', { name }).click()
const says = (words: RegExp) => card().getByRole('status').getByText(words)

describe('the tour', { timeout: 90_000 }, () => {
  it('is offered on the first page, and begins there', async () => {
    const { page } = visit
    await visit.signIn(async () => {
      await page.getByRole('button', { name: /^Ada Lovelace/ }).click()
    })
    await page.getByRole('button', { name: 'Take the tour' }).click()
    await card().getByText('Ask somebody for money').waitFor()
    await card().getByText('1 of 5').waitFor()
    expect(await page.getByRole('button', { name: 'Take the tour' }).count()).toBe(0)
  })

  it('asks a virtual person for money', async () => {
    await press('Ask')
    await says(/^You asked .* for \$12\.50\.$/).waitFor()
    await expect
      .poll(async () => (await mine.read<PaymentRequest[]>('/sent-payment-requests')).at(-1))
      .toMatchObject({ amount: 1_250, debtor: expect.stringMatching(/^virtual-/) })
    await press('Next')
  })

  it('shows how it is paid, within seconds', async () => {
    await press('Wait for the answer')
    await says(/paid \$12\.50, \d+ s after you asked\.$/).waitFor({ timeout: 40_000 })
    const entries = await mine.entriesThat(({ amount, requestId }) => amount === 1_250 && requestId !== undefined)
    expect(entries).toHaveLength(1)
    await visit.page
      .getByText(/after you asked\.$/)
      .first()
      .waitFor()
    await press('Next')
  })

  it('pays a request that comes in return', async () => {
    await press('Wait, and pay it')
    await says(/^You paid \$[\d.]+\. The request is settled/).waitFor({ timeout: 70_000 })
    const requests = () => mine.read<PaymentRequest[]>('/payment-requests')
    await expect.poll(async () => (await requests()).filter(({ status }) => status === 'paid').length).toBe(1)
    await press('Next')
  })

  it('follows the payment through the log', async () => {
    await press('Follow the payment')
    await says(/what one transaction made of it/).waitFor()
    const records = visit.page.getByRole('region', { name: 'Records, in order of time' }).getByRole('listitem')
    for (const topic of ['commands', 'transactions', 'balances', 'replies']) {
      await records.filter({ hasText: topic }).first().waitFor()
    }
    await press('Next')
  })

  it('kills the payments service while a payment is under way, and nothing is lost', async () => {
    await press('Kill it, and pay $1')
    await says(/^Your payment waited \d+ s .* went through once, as t\d+-\d+\./).waitFor({ timeout: 60_000 })
    const entries = await mine.entriesThat(({ amount }) => amount === -100)
    expect(entries).toHaveLength(1)
    const { page } = visit
    const fault = page.getByRole('listitem').filter({ hasText: 'Payments was killed' })
    await expect
      .poll(() => fault.locator('dd').allInnerTexts(), { timeout: 20_000 })
      .toEqual([
        expect.stringMatching(/^\d+\.\d\d s$/),
        expect.stringMatching(/^\d+\.\d\d s$/),
        expect.stringMatching(/^\d+ commands?$/),
        '0',
        '0',
      ])
    await page.getByText('They balance.').waitFor()
    await press('Done')
    await card().waitFor({ state: 'detached' })
  })

  it('is not offered again, and starts again by its address', async () => {
    const { page } = visit
    await visit.open('/home', /^Hi/)
    expect(await page.getByRole('button', { name: 'Take the tour' }).count()).toBe(0)
    await page.goto(`${demo.app.origin}/?tour`)
    await card().getByText('1 of 5').waitFor()
    await press('End the tour')
    await card().waitFor({ state: 'detached' })
  })
})
