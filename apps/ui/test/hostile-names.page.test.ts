import { describe, expect, it } from 'vitest'
import { addHostilePeople, hostileName } from './support/hostile-ledger.ts'
import { useWallets } from './support/page-tests.ts'
import { desktop, phone, type WalletDriver } from './support/wallet-driver.ts'

const wallets = useWallets()

async function signIn(viewport: typeof phone, path?: string, title?: string) {
  const wallet = await wallets.openWallet({ viewport, permitted: '/topics' })
  const { requestId } = addHostilePeople(wallet.gateway.ledger)
  await wallet.signInAt(path, title)
  return { ...wallet, requestId }
}

/** How far a page, or an element that should fit, reaches beyond the screen. */
function overflowOf({ page }: WalletDriver): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

// The page itself sets isolates around a name (U+2068, U+2069); they don't belong to the name.
const unseen = /[\u202A-\u202E\u2060-\u2067\u200B]/u

/** Each state of a page is shown once, on a phone, and looked at on each of these. */
const screens = [phone, { width: 320, height: 640 }, { ...desktop, height: 800 }]

describe('names and notes of others', () => {
  it('make no page wider than the screen, from 320 to 1280 px, and hide nothing in it', async () => {
    const wallet = await signIn(phone)
    const { page, main, requestId } = wallet
    const found: Record<string, number> = {}
    const look = async (name: string, shownOn = screens) => {
      for (const screen of shownOn) {
        await page.setViewportSize(screen)
        const state = `${name}, ${screen.width} px`
        found[state] = await overflowOf(wallet)
        expect(await page.locator('body').innerText(), state).not.toMatch(unseen)
      }
      await page.setViewportSize(phone)
    }
    await page.getByRole('list', { name: /^Activity/ }).waitFor()
    await look('home')
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('menuitem', { name: 'Profile' }).waitFor()
    // A desktop has no such menu.
    await look('menu', screens.slice(0, 2))
    await page.keyboard.press('Escape')
    await wallet.open('/requests', 'Requests')
    await main.getByText(hostileName).first().waitFor()
    await look('requests')
    await page.getByRole('button', { name: `Decline the request of ${hostileName} for $15.00` }).click()
    await page.getByRole('dialog').waitFor()
    await look('declining')
    const dialog = page.getByRole('dialog')
    expect(await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
    await wallet.open('/requests/sent', 'Requests')
    await main.getByText(hostileName).first().waitFor()
    await look('sent requests')
    await wallet.open('/statement', 'Statement')
    await page.getByRole('img', { name: /^Line chart/ }).waitFor()
    await page
      .getByRole('button', { name: new RegExp(hostileName) })
      .first()
      .click()
    await page.getByText('Transfer id').waitFor()
    await look('statement')
    await page.getByRole('button', { name: 'Show as table' }).click()
    await look('statement as a table')
    await wallet.open('/send', 'Pay or request')
    await main.getByRole('listitem').first().waitFor()
    await look('choosing a person')
    await page.getByPlaceholder('Name or username').fill('zzz'.repeat(40))
    await page.getByText('Nobody found').waitFor()
    await look('nobody found')
    await wallet.open(`/send?request=${requestId}`, 'Pay a request')
    await look('a request to pay')
    await page.getByRole('textbox', { name: /^Note/ }).fill('N'.repeat(200))
    await page.getByRole('button', { name: 'Continue' }).click()
    await wallet.heading('Check and pay').waitFor()
    await look('confirming')
    await main.getByRole('button', { name: 'Pay $15.00' }).click()
    await wallet.receipt()
    await look('a receipt')
    await wallet.open('/profile', 'Profile')
    await page.getByLabel('Username').waitFor()
    await look('profile')
    await wallet.open('/topics', 'Topics')
    await page.getByRole('link', { name: 'commands' }).waitFor()
    await look('topics')
    await wallet.open('/topics/commands', 'commands')
    await page.getByLabel('Start from').selectOption('beginning')
    await page.getByRole('button', { name: 'Open record 1:5', exact: true }).waitFor()
    await look('records')
    expect(Object.entries(found).filter(([, px]) => px > 0)).toEqual([])
  }, 120_000)
})

describe('two people whose names look alike', () => {
  it('are told apart by their accounts, on every page where one of them is chosen', async () => {
    const wallet = await signIn(phone, '/send', 'Pay or request')
    const { page, main } = wallet
    await page.getByPlaceholder('Name or username').fill('Hopper')
    await main.getByRole('button', { name: 'Grace Hopper @grace-hopper Account grace-hopper' }).waitFor()
    await page.getByPlaceholder('Name or username').fill('Gr\u0430ce')
    await main.getByRole('button', { name: /Account not-grace$/ }).click()
    await wallet.prepare({ amount: '1' })
    await page.getByText('Somebody else has a similar name').waitFor()
    await main.getByText('not-grace', { exact: true }).waitFor()
    await wallet.open('/requests', 'Requests')
    await main.getByText('Account not-grace').first().waitFor()
  })

  it('the account of other people is only on the confirmation', async () => {
    const wallet = await signIn(phone, '/send?to=alan-turing', 'Pay or request')
    const { page, main } = wallet
    await page.getByText('@alan-turing').waitFor()
    expect(await main.getByText(/^Account/).count()).toBe(0)
    await wallet.prepare({ amount: '1' })
    await main.getByText('alan-turing', { exact: true }).waitFor()
    expect(await page.getByText('Somebody else has a similar name').count()).toBe(0)
  })

  it('somebody who is called like the system is marked where money is asked for, with the username', async () => {
    const wallet = await wallets.openWallet({ permitted: '/topics' })
    const { main, page, gateway } = wallet
    gateway.ledger.users.push({ id: 'impostor', name: 'Streаm Pay', username: 'team-1' })
    const { id } = gateway.ledger.ask('impostor', 4_900, { notes: 'Verification fee' })
    await wallet.signInAt('/requests', 'Requests')
    const request = main.getByRole('listitem').filter({ hasText: 'Verification fee' })
    await request.getByText('This is not StreamPay. StreamPay never asks for money.').waitFor()
    await request.getByText('@team-1').waitFor()
    await main.getByRole('listitem').filter({ hasText: 'Half of the dinner' }).getByText('@grace-hopper').waitFor()
    expect(await main.getByText('This is not StreamPay').count()).toBe(1)
    await wallet.open(`/send?request=${id}`, 'Pay a request')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('This is not StreamPay').waitFor()
  })

  it('a name or note that turns around what follows it is shown with a visible sign in place of the mark', async () => {
    const wallet = await signIn(desktop, '/requests', 'Requests')
    await wallet.main.getByText('Eve \uFFFDecarg').first().waitFor()
    await wallet.main.getByText('Lunch \uFFFD00.5$').waitFor()
  })
})
