import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MockGateway } from './support/mock-gateway.ts'
import { pageFaults } from './support/page-faults.ts'
import { openWallets } from './support/page-tests.ts'
import { desktop, phone, type WalletDriver } from './support/wallet-driver.ts'

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

type Wallet = WalletDriver & { readonly gateway: MockGateway }
type State = { readonly name: string; readonly show: (wallet: Wallet) => Promise<void> }

const states: readonly State[] = [
  {
    name: 'home',
    show: ({ open, page }) => open('/home', /^Hi/).then(() => page.getByRole('list', { name: /^Activity/ }).waitFor()),
  },
  {
    name: 'choosing a person',
    show: ({ open, page }) => open('/send', 'Pay or request').then(() => page.getByText('@grace-hopper').waitFor()),
  },
  {
    name: 'an amount beyond the balance',
    show: ({ open, page }) =>
      open('/send?to=grace-hopper', 'Pay or request').then(() =>
        page.getByRole('textbox', { name: 'Amount' }).fill('999999'),
      ),
  },
  {
    name: 'confirming',
    show: async ({ open, prepare }) => {
      await open('/send?to=grace-hopper', 'Pay or request')
      await prepare({ amount: '24.50', note: 'Lunch' })
    },
  },
  {
    name: 'a receipt',
    show: async ({ open, pay }) => {
      await open('/send?to=grace-hopper', 'Pay or request')
      await pay({ amount: '1' })
    },
  },
  {
    name: 'a refusal',
    show: async ({ open, prepare, main, page }) => {
      await open('/send?to=tony-hoare', 'Pay or request')
      await prepare({ amount: '1' })
      await main.getByRole('button', { name: /^Pay/ }).click()
      await page.getByText('No such person').waitFor()
    },
  },
  {
    name: 'requests to pay',
    show: ({ open, page }) => open('/requests', 'Requests').then(() => page.getByText('Half of the dinner').waitFor()),
  },
  {
    name: 'declining',
    show: async ({ open, page }) => {
      await open('/requests', 'Requests')
      await page.getByRole('button', { name: /^Decline the request of Grace/ }).click()
      await settled(page.getByRole('dialog'))
    },
  },
  {
    name: 'requests that I made',
    show: ({ open, page }) => open('/requests/sent', 'Requests').then(() => page.getByText('Withdrawn').waitFor()),
  },
  {
    name: 'the statement',
    show: async ({ open, page }) => {
      await open('/statement', 'Statement')
      await page.getByText('Train tickets').first().waitFor()
      await page.getByRole('img', { name: /^Line chart/ }).waitFor()
    },
  },
  {
    name: 'the balance as a table',
    show: async ({ open, page }) => {
      await open('/statement', 'Statement')
      await page.getByRole('button', { name: 'Show as table' }).click()
      await page.getByRole('table').waitFor()
    },
  },
  {
    name: 'the profile',
    show: ({ open, page }) => open('/profile', 'Profile').then(() => page.getByLabel('Username').waitFor()),
  },
  {
    name: 'blocking somebody',
    show: async ({ open, page }) => {
      await open('/requests', 'Requests')
      await page.getByRole('button', { name: 'Block Grace Hopper' }).click()
      await settled(page.getByRole('dialog'))
    },
  },
  {
    name: 'somebody blocked',
    show: async ({ open, page, gateway }) => {
      gateway.ledger.block('grace-hopper')
      await open('/profile', 'Profile')
      await page.getByRole('button', { name: 'Unblock Grace Hopper' }).waitFor()
    },
  },
  {
    name: 'somebody who is called like the system',
    show: async ({ open, page, gateway }) => {
      gateway.ledger.users.push({ id: 'impostor', name: 'StreamPay', username: 'streampay-team' })
      gateway.ledger.ask('impostor', 4_900, { notes: 'Verification fee' })
      await open('/requests', 'Requests')
      await page.getByText('This is not StreamPay').waitFor()
    },
  },
  {
    name: 'an earlier payment without an answer',
    show: async ({ open, page, main, prepare, gateway }) => {
      await open('/send?to=alan-turing', 'Pay or request')
      await prepare({ amount: '12' })
      gateway.faults.command = 'dropped'
      await main.getByRole('button', { name: 'Pay $12.00' }).click()
      await page.getByText('No answer yet').waitFor()
      await open('/send?to=alan-turing', 'Pay or request')
      await prepare({ amount: '12' })
      await page.getByText('An earlier payment has no answer yet').waitFor()
    },
  },
  {
    name: 'a payment that had gone through already',
    show: async ({ page, main, gateway }) => {
      // Taken, though the answer is lost: asked for again, the answer is that of the first time.
      gateway.faults.command = 'replay'
      await main.getByRole('button', { name: 'Finish the earlier one' }).click()
      await page.getByText('This had gone through already').waitFor()
    },
  },
  {
    name: 'too many pages at once',
    show: async ({ page, gateway }) => {
      gateway.faults.tooManyStreams = 60
      await page.goto(`${gateway.origin}/requests`)
      await page
        .getByText(/may be live at once/)
        .first()
        .waitFor()
      delete gateway.faults.tooManyStreams
    },
  },
  {
    name: 'topics',
    show: ({ open, page }) =>
      open('/topics', 'Topics').then(() => page.getByRole('link', { name: 'commands' }).waitFor()),
  },
  { name: 'records', show: showRecords },
  {
    name: 'one record',
    show: async (wallet) => {
      await showRecords(wallet)
      await wallet.page.getByRole('button', { name: 'Open record 1:5', exact: true }).click()
      await settled(wallet.page.getByRole('dialog'))
    },
  },
  {
    name: 'a command followed',
    show: ({ open, page }) =>
      open('/trace/t1-5', 'Follow an id').then(() =>
        page
          .getByRole('button', { name: /^replies/ })
          .first()
          .waitFor(),
      ),
  },
  { name: 'no such page', show: ({ open }) => open('/nowhere/at/all', /isn’t on the ledger/) },
]

async function showRecords({ open, page }: WalletDriver) {
  await open('/topics/commands', 'commands')
  await page.getByLabel('Start from').selectOption('beginning')
  await page.getByRole('button', { name: 'Open record 1:5', exact: true }).waitFor()
}

/** Dialogs fade in; colours are theirs only once they have. */
async function settled(dialog: ReturnType<WalletDriver['page']['getByRole']>) {
  await dialog.waitFor()
  await dialog.evaluate((element) =>
    Promise.all(element.getAnimations({ subtree: true }).map(({ finished }) => finished)),
  )
}

const looks = [
  { look: 'light, on a phone', colorScheme: 'light', viewport: phone, states },
  { look: 'dark, on a desktop', colorScheme: 'dark', viewport: desktop, states },
  { look: 'dark, on a phone', colorScheme: 'dark', viewport: phone, states: states.slice(0, 1) },
  { look: 'light, on a desktop', colorScheme: 'light', viewport: desktop, states: states.slice(0, 1) },
] as const

let wallets: Awaited<ReturnType<typeof openWallets>>
beforeAll(async () => {
  wallets = await openWallets()
}, 60_000)
afterAll(() => wallets.close())

describe.each(looks)('$look', ({ colorScheme, viewport, states: shown }) => {
  it('has no violation of WCAG 2.2 AA on any page, scrolls only downwards, and loads nothing from elsewhere', async () => {
    const wallet = await wallets.openWallet({ colorScheme, viewport })
    const { page, gateway, faults } = wallet
    const found: Record<string, readonly string[]> = {}
    await page.goto(gateway.origin)
    await wallet.heading(/^Pay people/).waitFor()
    found.landing = await pageFaults(page, tags)
    const [ada] = gateway.ledger.users.splice(0, 1)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await wallet.heading('Welcome to StreamPay').waitFor()
    found['the first sign-in'] = await pageFaults(page, tags)
    if (ada !== undefined) gateway.ledger.users.unshift(ada)
    await page.goto(`${gateway.origin}/topics`)
    await wallet.heading('One more permission').waitFor()
    found['one more permission'] = await pageFaults(page, tags)
    for (const { name, show } of shown) {
      await show(wallet)
      found[name] = await pageFaults(page, tags)
    }
    expect(Object.entries(found).filter(([, violations]) => violations.length > 0)).toEqual([])
    expect(faults).toEqual([])
    await wallet.context.close()
  }, 240_000)
})
