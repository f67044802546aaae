import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWallets } from './support/page-tests.ts'
import { desktop, phone, type WalletDriver } from './support/wallet-driver.ts'

type State = { readonly name: string; readonly show: (wallet: WalletDriver) => Promise<void> }

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
    found.landing = await violationsOf(wallet)
    await wallet.signIn()
    for (const { name, show } of shown) {
      await show(wallet)
      found[name] = await violationsOf(wallet)
    }
    expect(Object.entries(found).filter(([, violations]) => violations.length > 0)).toEqual([])
    expect(faults).toEqual([])
    await wallet.context.close()
  }, 240_000)
})

async function violationsOf({ page }: WalletDriver): Promise<readonly string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze()
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
  return [
    ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    ...(overflow > 0 ? [`${overflow} px wider than the screen`] : []),
  ]
}
