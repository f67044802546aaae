/** News in the browser: notes on the page, the tab's title and icon, and receipts that change while they are shown. */
import { describe, expect, it } from 'vitest'
import { pageFaults } from './support/page-faults.ts'
import { keepPicture, useWallets, type Wallet, type WalletOptions } from './support/page-tests.ts'
import { desktop, phone } from './support/wallet-driver.ts'

const wallets = useWallets()

async function signIn(options: WalletOptions = {}): Promise<Wallet> {
  const wallet = await wallets.signIn(options)
  // Once a view has settled, all later records are news.
  await wallet.balance().getByText('$').waitFor()
  return wallet
}

const notes = ({ page }: Wallet) => page.getByRole('region', { name: 'News', exact: true }).getByRole('listitem')

/** Sets whether the page is visible. */
async function hide({ page }: Wallet, isHidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
    document.dispatchEvent(new Event('visibilitychange'))
  }, isHidden)
}

describe.each([
  ['a desktop', desktop],
  ['a phone', phone],
])('on %s', (_screen, viewport) => {
  it('a note tells of money that comes; it leads to the payment, and the money can be sent back', async () => {
    const wallet = await signIn({ viewport })
    const { page, gateway, main } = wallet
    gateway.ledger.move('grace-hopper', 1_250, { notes: 'For the tickets' })
    const note = notes(wallet).filter({ hasText: 'Grace Hopper' })
    await note.getByText('paid you $12.50').waitFor()
    await keepPicture(wallet, `news-received-${viewport.width}`)
    expect(await pageFaults(page, ['wcag2a', 'wcag2aa', 'wcag22aa', 'best-practice'])).toEqual([])
    await note.getByRole('link', { name: 'Show' }).click()
    await main.getByRole('status').getByText('paid you').waitFor()
    await main.getByText('For the tickets').waitFor()
    await keepPicture(wallet, `payment-received-${viewport.width}`)
    await main.getByRole('link', { name: 'Send back' }).click()
    await wallet.heading('Pay or request').waitFor()
    expect(await page.getByRole('textbox', { name: 'Amount' }).inputValue()).toBe('12.50')
    await main.getByText('@grace-hopper').waitFor()
  })

  it('the page of a request changes when the request is answered', async () => {
    const wallet = await signIn({ viewport })
    const { gateway, main } = wallet
    await wallet.open('/send?to=grace-hopper&mode=request', 'Pay or request')
    const id = await wallet.ask({ amount: '12.50', note: 'Tickets' })
    await main.getByText('Waiting for an answer').waitFor()
    await keepPicture(wallet, `request-waiting-${viewport.width}`)
    gateway.ledger.close(id, 'paid')
    await main.getByText(/^\d+ s after you asked\.$/).waitFor()
    await main.getByText('Grace Hopper paid').waitFor()
    await keepPicture(wallet, `request-paid-${viewport.width}`)
    // The page itself shows it, so no note tells it a second time.
    expect(await notes(wallet).count()).toBe(0)
  })
})

describe('news', () => {
  it.each([
    ['declined', /declined to pay \$30\.00$/],
    ['paid', /paid \$30\.00$/],
    ['expired', /^Your request for \$30\.00 has expired$/],
  ] as const)('tells that a request of mine was %s', async (status, words) => {
    const wallet = await signIn()
    const mine = wallet.gateway.ledger.sent.find((request) => request.status === 'open')
    wallet.gateway.ledger.close(mine?.id ?? '', status)
    const note = notes(wallet).getByText(words)
    await note.waitFor()
    await notes(wallet).getByRole('link', { name: 'Show' }).click()
    await wallet.heading('Request').waitFor({ state: 'attached' })
    expect(new URL(wallet.page.url()).pathname).toBe(`/requests/${mine?.id}`)
  })

  it('tells that a person reminds me, on the page of requests, too', async () => {
    const wallet = await signIn()
    const [asked] = wallet.gateway.ledger.incoming
    wallet.gateway.ledger.remind(asked?.id ?? '')
    await notes(wallet)
      .getByText(/reminds you: \$24\.50$/)
      .waitFor()
    await notes(wallet).getByRole('link', { name: 'Show' }).click()
    await wallet.main.getByText('You were reminded of it.').waitFor()
    await wallet.open('/requests', 'Requests')
    await wallet.main.getByText('Reminded you just now').waitFor()
  })

  it('tells that a person took a request back, and not that I declined one', async () => {
    const wallet = await signIn()
    const { gateway } = wallet
    const [first, second] = gateway.ledger.incoming.filter(({ status }) => status === 'open')
    gateway.ledger.close(first?.id ?? '', 'declined')
    gateway.ledger.close(second?.id ?? '', 'cancelled')
    await notes(wallet)
      .getByText(/withdrew a request/)
      .waitFor()
    expect(await notes(wallet).count()).toBe(1)
  })

  it('puts the payments of several strangers into one note', async () => {
    const wallet = await signIn()
    const { gateway } = wallet
    for (const [index, id] of ['one', 'two', 'three'].entries()) {
      gateway.ledger.users.push({ id: `stranger-${id}`, name: `Stranger ${id}`, username: id })
      gateway.ledger.move(`stranger-${id}`, 100 * (index + 1))
    }
    await notes(wallet)
      .getByText(/and 2 others paid you \$6\.00$/)
      .waitFor()
    await notes(wallet).getByText('3 payments').waitFor()
    expect(await notes(wallet).count()).toBe(1)
    gateway.ledger.move('grace-hopper', 500)
    await expect.poll(() => notes(wallet).count()).toBe(2)
  })

  it('is in the title and the icon of a hidden tab', async () => {
    const wallet = await signIn()
    const { page, gateway } = wallet
    const icon = () => page.locator('link[rel="icon"]').getAttribute('href')
    await hide(wallet, true)
    gateway.ledger.move('grace-hopper', 100)
    await expect.poll(() => page.title()).toBe('(1) Home · StreamPay')
    expect(await icon()).toBe('/logo-news.svg')
    gateway.ledger.ask('alan-turing', 200)
    await expect.poll(() => page.title()).toBe('(2) Home · StreamPay')
    await hide(wallet, false)
    await expect.poll(() => page.title()).toBe('Home · StreamPay')
    expect(await icon()).toBe('/logo.svg')
  })

  it('is shown by the system once that was switched on, and only while the page is hidden', async () => {
    const wallet = await wallets.openWallet()
    const { page, gateway, context } = wallet
    await context.grantPermissions(['notifications'], { origin: gateway.origin })
    await page.addInitScript(() => {
      const shown: string[] = []
      class Recorded {
        static readonly permission = 'granted'
        onclick: unknown
        constructor(title: string) {
          shown.push(title)
        }
        close() {}
      }
      Object.assign(globalThis, { Notification: Recorded, shownNotifications: shown })
    })
    const shown = () => page.evaluate<string[]>('shownNotifications')
    await wallet.signInAt()
    await wallet.open('/profile', 'Profile')
    await page.getByRole('switch', { name: 'Notifications' }).click()
    // What comes before the views are complete is history, and no news.
    await wallet.balance().getByText('$').waitFor()
    await hide(wallet, true)
    gateway.ledger.move('grace-hopper', 100)
    await expect.poll(shown).toEqual(['\u2068Grace Hopper\u2069 paid you $1.00'])
    await hide(wallet, false)
    gateway.ledger.move('alan-turing', 100)
    await notes(wallet).getByText('Alan Turing').waitFor()
    expect(await shown()).toHaveLength(1)
    await page.reload()
    await page.getByRole('switch', { name: 'Notifications', checked: true }).waitFor()
  })
})

describe('the page', () => {
  it('of a payment is found again, by its parties only', async () => {
    const wallet = await signIn()
    const { page, gateway, main } = wallet
    const [entry] = gateway.ledger.entries.filter(({ kind, amount }) => kind === 'payment' && amount < 0)
    await wallet.open(`/payments/${entry?.transferId}?at=${entry?.at}`, 'Payment')
    await main.getByText(entry?.transferId ?? '', { exact: true }).waitFor()
    await main.getByRole('link', { name: 'Pay again' }).waitFor()
    await wallet.open('/payments/t9-999999', 'Payment')
    await page.getByText('No such payment').waitFor()
    await wallet.open('/requests/r9-999999', 'Request')
    await page.getByText('No such request').waitFor()
  })

  it('of a request offers the actions on it', async () => {
    const wallet = await signIn()
    const { gateway, main } = wallet
    const { id } = gateway.ledger.ask('alan-turing', 4_200, { notes: 'Cinema' })
    await wallet.open(`/requests/${id}`, 'Request')
    await main.getByText('Alan Turing asked you for').waitFor()
    await main.getByText('Cinema', { exact: true }).waitFor()
    await main.getByRole('button', { name: 'Decline the request of Alan Turing for $42.00' }).click()
    await wallet.page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click()
    await main.getByText('You declined it.').waitFor()
  })
})

describe('a draft', () => {
  it('is there again after a reload, after Back and after Forward', async () => {
    const wallet = await signIn()
    const { page, main } = wallet
    await wallet.open('/send?to=grace-hopper', 'Pay or request')
    await page.getByRole('textbox', { name: 'Amount' }).fill('24.50')
    await page.getByRole('textbox', { name: /^Note/ }).fill('Lunch')
    await page.reload()
    await main.getByText('@grace-hopper').waitFor()
    expect(await page.getByRole('textbox', { name: 'Amount' }).inputValue()).toBe('24.50')
    await page.getByRole('button', { name: 'Continue' }).click()
    await wallet.heading('Check and pay').waitFor()
    await page.reload()
    await wallet.heading('Check and pay').waitFor()
    await main.getByText('“Lunch”').waitFor()
    await page.goBack()
    await wallet.heading('Pay or request').waitFor()
    expect(await page.getByRole('textbox', { name: /^Note/ }).inputValue()).toBe('Lunch')
    await page.goForward()
    await main.getByRole('button', { name: 'Pay $24.50' }).click()
    const id = await wallet.receipt()
    await page.reload()
    expect(await wallet.receipt()).toBe(id)
    // The confirmation is gone from the history, so going back can't lead to a second payment.
    await page.goBack()
    await wallet.heading('Pay or request').waitFor()
    expect(wallet.gateway.keys).toHaveLength(1)
  })

  it('can’t be confirmed by an address alone', async () => {
    const wallet = await signIn()
    await wallet.open('/send/check', 'Pay or request')
    expect(new URL(wallet.page.url()).pathname).toBe('/send')
  })

  it('can be begun by a link, with person, amount and note', async () => {
    const wallet = await signIn()
    await wallet.open('/send?to=grace-hopper&amount=12.5&note=Lunch', 'Pay or request')
    await wallet.page.getByRole('button', { name: 'Continue' }).click()
    await wallet.main.getByRole('button', { name: 'Pay $12.50' }).waitFor()
    await wallet.main.getByText('“Lunch”').waitFor()
  })
})
