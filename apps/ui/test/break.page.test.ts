/** The page on which services are broken, with a launcher that a test controls. */
import type { Fault } from '@streampay/domain'
import { expect, it } from 'vitest'
import { keepPicture, useWallets, type Wallet, type WalletOptions } from './support/page-tests.ts'
import { desktop, phone } from './support/wallet-driver.ts'

const wallets = useWallets()

const killed: Fault = {
  id: 1,
  at: Date.now(),
  service: 'payments',
  what: 'kill',
  noticedAfterMs: 12,
  backAfterMs: undefined,
  waited: 4,
  lost: 0,
  doubled: 0,
}

async function openPage(options: WalletOptions = {}): Promise<Wallet> {
  const wallet = await wallets.signInAt('/break', 'Break it', { ...options, permitted: '/break' })
  await wallet.page.getByText('They balance.').waitFor()
  return wallet
}

it.each([
  ['a desktop', desktop],
  ['a phone', phone],
])('shows every service, what it does, and that the books balance, on %s', async (_screen, viewport) => {
  const wallet = await openPage({ viewport })
  const { main, gateway } = wallet
  const payments = main.getByRole('listitem', { name: 'Payments', exact: true })
  await payments.getByText('processes partitions 0, 1').waitFor()
  await payments.getByText('84 MB').waitFor()
  await payments.getByText('12 min').waitFor()
  await main.getByText(/1,204 transfers and 86 requests since/).waitFor()
  expect(await main.getByText('holds', { exact: true }).count()).toBe(6)
  gateway.control.faults = [killed]
  await main.getByText('Payments was killed').waitFor()
  await keepPicture(wallet, `break-${viewport.width}`, { fullPage: true })
})

it('kills, pauses, resumes and restarts, and cuts or slows the log', async () => {
  const wallet = await openPage()
  const { main, gateway } = wallet
  await main.getByRole('button', { name: 'Pause Payments 1' }).click()
  await main.getByRole('button', { name: 'Resume Payments 1' }).click()
  await main.getByRole('button', { name: 'Pause Payments 1' }).waitFor()
  await main.getByRole('button', { name: 'Restart Gateway' }).click()
  await main.getByRole('button', { name: 'Cut all connections to the log' }).click()
  await main.getByRole('button', { name: 'Make the log slow for ten seconds' }).click()
  await main.getByRole('button', { name: 'Kill Payments', exact: true }).click()
  await main.getByRole('listitem', { name: 'Payments', exact: true }).getByText('Down').waitFor()
  expect(gateway.control.orders).toEqual([
    'pause payments-1',
    'resume payments-1',
    'restart gateway',
    'cut',
    'slow',
    'kill payments',
  ])
})

it('tells when a fault was noticed and when it was over, and what was lost', async () => {
  const wallet = await openPage()
  const { main, gateway } = wallet
  gateway.control.faults = [killed]
  const fault = main.getByRole('listitem').filter({ hasText: 'Payments was killed' })
  await fault.getByText('0.01 s').waitFor()
  gateway.control.faults = [{ ...killed, backAfterMs: 1_310, lost: 1 }]
  await fault.getByText('1.31 s').waitFor()
  await expect.poll(() => fault.locator('dd').allInnerTexts()).toEqual(['0.01 s', '1.31 s', '4 commands', '1', '0'])
})

it('says at once when the books do not balance, and which record shows it', async () => {
  const wallet = await openPage()
  const { main, gateway } = wallet
  const { books } = gateway.control
  if (books === undefined) throw new Error('there are books')
  const finding = { invariant: 'INV-3', message: 'transfer t0-1 has one more entry' }
  gateway.control.books = { ...books, violations: { ...books.violations, 'INV-3': 1 }, findings: [finding] }
  await main.getByText('They do not balance.').waitFor()
  await main.getByText('1 violations').waitFor()
  await main.getByText('INV-3: transfer t0-1 has one more entry').waitFor()
})

it('chooses the load with the keyboard, from a tenth to a hundred times', async () => {
  const wallet = await openPage()
  const { page, gateway } = wallet
  const slider = page.getByRole('slider', { name: /Load of the simulation/ })
  await slider.focus()
  await page.keyboard.press('End')
  await expect.poll(() => gateway.control.speed).toBe(100)
  expect(await slider.getAttribute('aria-valuetext')).toBe('100 times')
  await page.keyboard.press('Home')
  await expect.poll(() => gateway.control.speed).toBe(0.1)
})

it('says why an order was refused, and when no answer comes', async () => {
  const wallet = await openPage()
  const { page, main, gateway } = wallet
  gateway.control.services = gateway.control.services.map((one) =>
    one.name === 'gateway' ? { ...one, state: 'down' } : one,
  )
  await main.getByRole('button', { name: 'Kill Gateway' }).click()
  await page.getByText('gateway is not running.').waitFor()
  gateway.faults.broken = true
  await page.getByText('No word from the launcher').waitFor()
  // What was known stays visible.
  await main.getByRole('listitem', { name: 'Log', exact: true }).waitFor()
  delete gateway.faults.broken
  await page.getByText('No word from the launcher').waitFor({ state: 'detached' })
})
