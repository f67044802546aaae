/** The session in the browser: first sign-in, permissions on demand, several tabs. */
import { describe, expect, it } from 'vitest'
import { useWallets } from './support/page-tests.ts'
import { driveWallet } from './support/wallet-driver.ts'

const wallets = useWallets()

describe('the first sign-in', () => {
  it('publishes nothing before the person has said what', async () => {
    const wallet = await wallets.openWallet()
    const { page, gateway } = wallet
    gateway.ledger.users.splice(0, 1)
    const puts: string[] = []
    page.on('request', (request) => request.method() === 'PUT' && puts.push(request.postData() ?? ''))
    await page.goto(`${gateway.origin}/`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await wallet.heading('Welcome to StreamPay').waitFor()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Ada Lovelace')
    expect(await page.getByLabel('Username').inputValue()).toBe('ada')
    // Every page of the wallet asks for the profile first.
    await page.goto(`${gateway.origin}/send`)
    await wallet.heading('Welcome to StreamPay').waitFor()
    expect(puts).toEqual([])
    await page.getByLabel('Name', { exact: true }).fill('  ')
    await page.getByRole('button', { name: 'Publish and open my account' }).click()
    await page.getByRole('alert').getByText('Enter your name.').waitFor()
    expect(puts).toEqual([])
    await page.getByLabel('Name', { exact: true }).fill('A. Lovelace')
    await page.getByRole('button', { name: 'Publish and open my account' }).click()
    await wallet.heading('Pay or request').waitFor()
    expect(puts).toEqual(['{"name":"A. Lovelace","username":"ada"}'])
  })
})

describe('the console’s permission', () => {
  it('is asked for only when the console is opened, and leads to the page that was wanted', async () => {
    const wallet = await wallets.openWallet()
    const { page } = wallet
    const asked: (readonly string[])[] = []
    page.on('request', (request) => {
      const { pathname, searchParams } = new URL(request.url())
      if (pathname === '/identity/auth') asked.push((searchParams.get('scope') ?? '').split(' '))
    })
    await wallet.signIn()
    expect(asked).toHaveLength(1)
    expect(asked[0]).not.toContain('read:console')
    expect(asked[0]).toContain('write:pay')
    await page.getByRole('link', { name: 'Console' }).click()
    await wallet.heading('One more permission').waitFor()
    expect(asked).toHaveLength(1)
    await page.getByRole('button', { name: 'Ask for it' }).click()
    await wallet.heading('Topics').waitFor()
    expect(asked[1]).toContain('read:console')
  })

  it('that is not granted is reported, without asking again and again', async () => {
    const wallet = await wallets.openWallet()
    await wallet.signIn()
    wallet.gateway.faults.noConsole = true
    await wallet.page.getByRole('link', { name: 'Console' }).click()
    await wallet.page.getByRole('button', { name: 'Ask for it' }).click()
    await wallet.heading('Not for this account').waitFor()
    await wallet.page.getByRole('link', { name: 'Back to the wallet' }).click()
    await wallet.heading(/^Hi/).waitFor()
  })
})

describe('several tabs', () => {
  it('share one session: a new tab is signed in, and signing out in one ends it in all', async () => {
    const wallet = await wallets.openWallet()
    await wallet.signIn()
    const second = driveWallet(await wallet.context.newPage(), wallet.gateway.origin)
    await second.open('/statement', 'Statement')
    await second.balance().getByText('$1,619.70').waitFor()
    await second.page.getByRole('button', { name: 'Sign out' }).click()
    await second.heading(/^Pay people/).waitFor()
    await wallet.heading(/^Pay people/).waitFor()
    await expect.poll(() => wallet.gateway.streams.size).toBe(0)
  })

  it('end the session with the last of them', async () => {
    const wallet = await wallets.openWallet()
    await wallet.signIn()
    await wallet.page.reload()
    await wallet.heading(/^Hi/).waitFor()
    await wallet.page.close()
    const later = driveWallet(await wallet.context.newPage(), wallet.gateway.origin)
    await later.page.goto(`${wallet.gateway.origin}/home`)
    await later.heading(/^Pay people/).waitFor()
    expect(await later.page.evaluate('JSON.stringify(localStorage)')).not.toContain('access_token')
  })

  // Each tab had its copy of the refresh token: the second use of one ended the session of both.
  it('renew their tokens one at a time, each refresh token once', async () => {
    const wallet = await wallets.openWallet()
    const { gateway } = wallet
    gateway.faults.tokenSeconds = 61
    await wallet.signIn()
    const others = [await wallet.context.newPage(), await wallet.context.newPage()]
    for (const page of others) await driveWallet(page, gateway.origin).open('/home', /^Hi/)
    // A minute before they expire all tabs want new ones.
    await expect.poll(() => gateway.refreshed.length, { timeout: 15_000 }).toBeGreaterThan(1)
    gateway.faults.tokenSeconds = 3600
    const settled = gateway.refreshed.length
    await expect.poll(() => gateway.refreshed.length, { timeout: 15_000 }).toBeGreaterThan(settled)
    expect(new Set(gateway.refreshed).size).toBe(gateway.refreshed.length)
    for (const page of [wallet.page, ...others]) {
      expect(await page.getByText('Your session has ended').count()).toBe(0)
    }
  }, 40_000)
})
