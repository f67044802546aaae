import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { mockRecord } from './support/mock-console.ts'
import { cut } from './support/mock-http.ts'
import { openWallets, type WalletOptions } from './support/page-tests.ts'
import { phone } from './support/wallet-driver.ts'

type Wallet = Awaited<ReturnType<typeof signedIn>>

let wallets: Awaited<ReturnType<typeof openWallets>>
const opened: Wallet[] = []
beforeAll(async () => {
  wallets = await openWallets()
}, 60_000)
afterEach(async () => {
  for (const { context, faults } of opened.splice(0)) {
    await context.close()
    expect(faults).toEqual([])
  }
})
afterAll(() => wallets.close())

async function signedIn(options: WalletOptions = {}) {
  const wallet = await wallets.openWallet(options)
  await wallet.signIn()
  return wallet
}

async function signIn(options?: WalletOptions): Promise<Wallet> {
  const wallet = await signedIn(options)
  opened.push(wallet)
  return wallet
}

describe('paying', () => {
  it('confirms, pays once however often the button is pressed, and shows a receipt', async () => {
    const wallet = await signIn()
    await wallet.open('/send', 'Pay or request')
    await wallet.prepare({ to: 'Grace Hopper', amount: '24.50', note: 'Lunch' })
    wallet.gateway.faults.command = 'hold'
    const button = wallet.main.getByRole('button', { name: 'Pay $24.50' })
    await button.dblclick()
    await wallet.main.getByRole('button', { name: 'Sending…' }).waitFor()
    expect(await wallet.main.getByRole('button', { name: 'Back' }).isDisabled()).toBe(true)
    wallet.gateway.release()
    expect(await wallet.receipt()).toMatch(/^t0-\d+$/)
    expect(wallet.gateway.keys).toHaveLength(1)
    await wallet.balance().getByText('$1,595.20').waitFor()
  })

  it('keeps the key when the connection breaks, and does not pay twice on "Check again"', async () => {
    const wallet = await signIn()
    await wallet.open('/send?to=grace-hopper', 'Pay or request')
    await wallet.prepare({ amount: '10' })
    wallet.gateway.faults.command = 'lost'
    await wallet.main.getByRole('button', { name: 'Pay $10.00' }).click()
    await wallet.page.getByRole('alert').getByText('No answer yet').waitFor()
    await wallet.main.getByRole('button', { name: 'Check again' }).click()
    await wallet.receipt()
    expect(new Set(wallet.gateway.keys).size).toBe(1)
    expect(wallet.gateway.keys).toHaveLength(2)
    await wallet.balance().getByText('$1,609.70').waitFor()
  })

  it('still knows of an unknown outcome after a reload, and settles it from the home page', async () => {
    const wallet = await signIn()
    await wallet.open('/send?to=grace-hopper', 'Pay or request')
    await wallet.prepare({ amount: '10' })
    wallet.gateway.faults.command = 'timeout'
    await wallet.main.getByRole('button', { name: 'Pay $10.00' }).click()
    await wallet.page.getByText('No answer yet').waitFor()
    await wallet.open('/home', /^Hi/)
    await wallet.page.getByText('Payment of $10.00 to Grace Hopper').waitFor()
    await wallet.page.getByRole('button', { name: 'Check again' }).click()
    await wallet.page.getByText('this went through, once').waitFor()
    expect(new Set(wallet.gateway.keys).size).toBe(1)
  })

  it('can pay exactly the balance, and not a cent more', async () => {
    const wallet = await signIn()
    await wallet.open('/send?to=grace-hopper', 'Pay or request')
    const amount = wallet.page.getByRole('textbox', { name: 'Amount' })
    await amount.fill('1619.71')
    await wallet.page.getByText('You have $1,619.70, which is less than this amount.').waitFor()
    await wallet.page.getByRole('button', { name: 'Continue' }).click()
    expect(await wallet.heading('Check and pay').count()).toBe(0)
    await wallet.pay({ amount: '1619.70' })
    await wallet.balance().getByText('$0.00').waitFor()
  })

  it('warns when the same is sent again shortly', async () => {
    const wallet = await signIn()
    await wallet.open('/send?to=alan-turing', 'Pay or request')
    await wallet.pay({ amount: '15' })
    await wallet.page.getByRole('button', { name: 'Pay somebody else' }).click()
    await wallet.prepare({ to: 'Alan Turing', amount: '15' })
    await wallet.page.getByText(/You paid \u2068Alan\u2069 \$15\.00 just now/).waitFor()
  })

  it('says in words why it was refused', async () => {
    const wallet = await signIn()
    await wallet.open('/send?to=tony-hoare', 'Pay or request')
    await wallet.prepare({ amount: '5' })
    await wallet.main.getByRole('button', { name: 'Pay $5.00' }).click()
    await wallet.page.getByRole('alert').getByText('This person has no StreamPay account').waitFor()
    // It can't be pressed again, and looks so.
    const button = wallet.main.getByRole('button', { name: 'Pay $5.00' })
    expect(await button.isDisabled()).toBe(true)
    expect(await button.evaluate((element) => Number(getComputedStyle(element).opacity))).toBeLessThan(0.5)
  })
})

describe('requests', () => {
  it('arrive live with a badge, are prefilled, and leave once they are paid', async () => {
    const wallet = await signIn({ viewport: phone })
    wallet.gateway.ledger.ask('alan-turing', 4_200, { notes: 'Cinema' })
    await wallet.page.getByRole('link', { name: /^Requests.* 3 open/ }).waitFor()
    await wallet.page.getByText('You have 3 open requests to pay.').waitFor({ state: 'attached' })
    await wallet.page
      .getByRole('navigation', { name: 'Main' })
      .getByRole('link', { name: /^Requests/ })
      .click()
    await wallet.page.getByRole('link', { name: 'Pay $42.00 to Alan Turing' }).click()
    const amount = wallet.page.getByRole('textbox', { name: 'Amount' })
    await amount.waitFor()
    expect(await amount.inputValue()).toBe('42.00')
    expect(await amount.getAttribute('readonly')).not.toBeNull()
    await wallet.page.getByRole('button', { name: 'Continue' }).click()
    await wallet.main.getByRole('button', { name: 'Pay $42.00' }).click()
    await wallet.receipt()
    await wallet.page.getByRole('link', { name: /^Requests.* 2 open/ }).waitFor()
  })

  it('can be declined, after a question', async () => {
    const wallet = await signIn()
    await wallet.open('/requests', 'Requests')
    await wallet.page.getByRole('button', { name: /^Decline the request of Grace/ }).click()
    await wallet.page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click()
    await wallet.page.getByText('Half of the dinner').waitFor({ state: 'detached' })
  })

  it('of my own show how they stand, and can be withdrawn', async () => {
    const wallet = await signIn()
    await wallet.open('/requests/sent', 'Requests')
    await wallet.page.getByRole('button', { name: 'Withdraw the request to Alan Turing for $30.00' }).click()
    await wallet.page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click()
    await wallet.page.getByText('Waiting').waitFor({ state: 'detached' })
    expect(await wallet.page.getByText('Withdrawn').count()).toBe(2)
  })

  it('that are closed already can’t be paid', async () => {
    const wallet = await signIn()
    const { id } = wallet.gateway.ledger.ask('alan-turing', 100)
    wallet.gateway.ledger.close(id, 'cancelled')
    await wallet.open(`/send?request=${id}`, 'Pay or request')
    await wallet.page.getByText('has withdrawn this request').waitFor()
  })
})

describe('live views', () => {
  it('show history, then what happens, each once over a break', async () => {
    const wallet = await signIn()
    const { gateway, page } = wallet
    const rows = page.getByRole('list', { name: /^Activity/ }).getByRole('listitem')
    await rows.first().waitFor()
    const before = await rows.count()
    gateway.faults.streamsDown = true
    for (const stream of gateway.streams) cut(stream)
    await page.getByText('Reconnecting…').waitFor()
    gateway.faults.streamsDown = false
    await page.getByText('Reconnecting…').waitFor({ state: 'detached' })
    gateway.ledger.act('payment', 'alan-turing', 'grace-hopper', 777)
    await rows.first().getByText('$7.77').waitFor()
    expect(await rows.count()).toBe(before + 1)
  })

  it('tell when the browser is offline', async () => {
    const wallet = await signIn()
    await wallet.context.setOffline(true)
    await wallet.page.getByText('You are offline').waitFor()
    await wallet.context.setOffline(false)
    await wallet.page.getByText('You are offline').waitFor({ state: 'detached' })
  })

  it('are closed when the page is left', async () => {
    const wallet = await signIn()
    await wallet.open('/statement', 'Statement')
    await wallet.page.getByText('Train tickets').first().waitFor()
    await wallet.page.getByRole('link', { name: /your profile/ }).click()
    await wallet.heading('Profile').waitFor()
    // The balance and the open requests stay, for the navigation shows them on every page.
    await expect.poll(() => wallet.gateway.streams.size).toBe(2)
  })

  it('say what will stand there while there is nothing', async () => {
    const wallet = await signIn({ empty: true })
    await wallet.page.getByText('Quiet so far').waitFor()
    await wallet.page.getByText('Opening your account…').waitFor()
    await wallet.open('/requests', 'Requests')
    await wallet.page.getByText('Nothing to pay').waitFor()
    await wallet.open('/requests/sent', 'Requests')
    await wallet.page.getByText('You haven’t asked anybody').waitFor()
    await wallet.open('/statement', 'Statement')
    await wallet.page.getByText('No entries yet').waitFor()
  })
})

describe('the rest of the wallet', () => {
  it('does not overwrite a profile that was changed elsewhere', async () => {
    const wallet = await signIn()
    await wallet.open('/profile', 'Profile')
    await wallet.page.getByLabel('Name', { exact: true }).fill('Ada King')
    wallet.gateway.ledger.etag = '"7"'
    await wallet.page.getByRole('button', { name: 'Save' }).click()
    await wallet.page.getByText('Changed elsewhere').waitFor()
    await wallet.page.getByRole('button', { name: 'Save mine anyway' }).click()
    await wallet.page.getByText('Saved.').waitFor()
    expect(wallet.gateway.ledger.users[0]?.name).toBe('Ada King')
  })

  it('finds entries of the statement, and offers them as CSV', async () => {
    const wallet = await signIn()
    await wallet.open('/statement', 'Statement')
    await wallet.page.getByRole('searchbox', { name: 'Search entries' }).fill('opening:ada')
    await wallet.page.getByText('Opening balance').waitFor()
    await wallet.page.getByText('1 of all 61 entries').waitFor()
    const download = wallet.page.waitForEvent('download')
    await wallet.page.getByRole('button', { name: 'Download CSV' }).click()
    expect((await download).suggestedFilename()).toBe('streampay-statement.csv')
  })

  it('pauses a topic without loss, and filters it', async () => {
    const wallet = await signIn()
    const { page, gateway } = wallet
    await wallet.open('/topics/commands', 'commands')
    await page.getByText('Waiting for records').waitFor()
    const write = (offset: number) => gateway.ledger.events.emit('record', mockRecord('commands', offset))
    write(101)
    await page.getByRole('button', { name: 'Open record 1:101' }).waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    write(102)
    await page.getByText('Paused; 1 waiting').waitFor()
    expect(await page.getByRole('button', { name: 'Open record 2:102' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Open record 2:102' }).waitFor()
    await page.getByRole('searchbox', { name: 'Filter records' }).fill('person-101')
    await page.getByRole('button', { name: 'Open record 2:102' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Open record 1:101' }).waitFor()
  })

  it('can be gone through with the keyboard: skip link, focus on the new heading', async () => {
    const wallet = await signIn()
    await wallet.open('/home', /^Hi/)
    await wallet.page.keyboard.press('Tab')
    await wallet.page.keyboard.press('Enter')
    expect(await wallet.page.evaluate(() => document.activeElement?.tagName)).toBe('H1')
    await wallet.page.getByRole('link', { name: 'Statement' }).press('Enter')
    await wallet.heading('Statement').waitFor()
    await wallet.page.waitForFunction(() => document.activeElement?.textContent === 'Statement')
    expect(await wallet.page.title()).toBe('Statement · StreamPay')
  })

  it('keeps the colours that were chosen', async () => {
    const wallet = await signIn()
    await wallet.page.getByRole('button', { name: 'Use dark colours' }).click()
    await wallet.page.reload()
    await wallet.page.getByRole('button', { name: 'Use light colours' }).waitFor()
    expect(await wallet.page.evaluate(() => document.documentElement.className)).toContain('dark')
  })

  it('asks whoever is not signed in to do so, and then shows the page that was wanted', async () => {
    const wallet = await wallets.openWallet()
    await wallet.page.goto(`${wallet.gateway.origin}/statement`)
    await wallet.heading(/^Pay people/).waitFor()
    await wallet.page.getByRole('button', { name: 'Sign in' }).click()
    await wallet.heading('Statement').waitFor()
    await wallet.context.close()
  })
})
