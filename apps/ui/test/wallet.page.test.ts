import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { cut } from './support/mock-http.ts'
import { keepPicture, useWallets } from './support/page-tests.ts'
import { phone } from './support/wallet-driver.ts'

const wallets = useWallets()

describe('paying', () => {
  it('confirms, pays once even if the button is pressed several times, and shows a receipt', async () => {
    const wallet = await wallets.signInAt('/send', 'Pay or request')
    await wallet.prepare({ to: 'Grace Hopper', amount: '24.50', note: 'Lunch' })
    wallet.gateway.faults.command = 'hold'
    const button = wallet.main.getByRole('button', { name: 'Pay $24.50' })
    await button.dblclick()
    await wallet.main.getByRole('button', { name: 'Sending…' }).waitFor()
    expect(await wallet.main.getByRole('button', { name: 'Back' }).isDisabled()).toBe(true)
    wallet.gateway.held.resolve()
    expect(await wallet.receipt()).toMatch(/^t0-\d+$/)
    expect(wallet.gateway.keys).toHaveLength(1)
    await wallet.balance().getByText('$1,595.20').waitFor()
  })

  it('keeps the key when the connection breaks, and does not pay twice on "Check again"', async () => {
    const wallet = await wallets.signInAt('/send?to=grace-hopper', 'Pay or request')
    await wallet.prepare({ amount: '10' })
    wallet.gateway.faults.command = 'dropped'
    await wallet.main.getByRole('button', { name: 'Pay $10.00' }).click()
    await wallet.page.getByRole('alert').getByText('No answer yet').waitFor()
    await wallet.main.getByRole('button', { name: 'Check again' }).click()
    await wallet.receipt()
    expect(new Set(wallet.gateway.keys).size).toBe(1)
    expect(wallet.gateway.keys).toHaveLength(2)
    await wallet.balance().getByText('$1,609.70').waitFor()
  })

  it('still knows of an unknown outcome after a reload, and settles it from the home page', async () => {
    const wallet = await wallets.signInAt('/send?to=grace-hopper', 'Pay or request')
    await wallet.prepare({ amount: '10' })
    wallet.gateway.faults.command = 'dropped'
    await wallet.main.getByRole('button', { name: 'Pay $10.00' }).click()
    await wallet.page.getByText('No answer yet').waitFor()
    await wallet.open('/home', /^Hi/)
    await wallet.page.getByText('Payment of $10.00 to Grace Hopper').waitFor()
    await wallet.page.getByRole('button', { name: 'Check again' }).click()
    await wallet.page.getByText('this went through now, once').waitFor()
    expect(new Set(wallet.gateway.keys).size).toBe(1)
  })

  it('can pay exactly the balance, and not a cent more', async () => {
    const wallet = await wallets.signInAt('/send?to=grace-hopper', 'Pay or request')
    const amount = wallet.page.getByRole('textbox', { name: 'Amount' })
    await amount.fill('1619.71')
    await wallet.page.getByText('You have $1,619.70, which is less than this amount.').waitFor()
    await wallet.page.getByRole('button', { name: 'Continue' }).click()
    expect(await wallet.heading('Check and pay').count()).toBe(0)
    await wallet.pay({ amount: '1619.70' })
    await wallet.balance().getByText('$0.00').waitFor()
  })

  it('warns when the same is sent again shortly', async () => {
    const wallet = await wallets.signInAt('/send?to=alan-turing', 'Pay or request')
    await wallet.pay({ amount: '15' })
    await wallet.page.getByRole('link', { name: 'Pay somebody else' }).click()
    await wallet.prepare({ to: 'Alan Turing', amount: '15' })
    await wallet.page.getByText(/You paid \u2068Alan\u2069 \$15\.00 just now/).waitFor()
  })

  it('says in words why it was refused', async () => {
    const wallet = await wallets.signInAt('/send?to=tony-hoare', 'Pay or request')
    await wallet.prepare({ amount: '5' })
    await wallet.main.getByRole('button', { name: 'Pay $5.00' }).click()
    await wallet.page.getByRole('alert').getByText('This person has no StreamPay account').waitFor()
    // The button can't be pressed again, and looks so.
    const button = wallet.main.getByRole('button', { name: 'Pay $5.00' })
    expect(await button.isDisabled()).toBe(true)
    expect(await button.evaluate((element) => Number(getComputedStyle(element).opacity))).toBeLessThan(0.5)
  })
})

describe('requests', () => {
  it('arrive live with a badge, are prefilled, and leave once they are paid', async () => {
    const wallet = await wallets.signIn({ viewport: phone })
    // Once the views have settled, all later records are news.
    await wallet.balance().getByText('$').waitFor()
    wallet.gateway.ledger.ask('alan-turing', 4_200, { notes: 'Cinema' })
    await wallet.page.getByRole('link', { name: /^Requests.* 3 open/ }).waitFor()
    await wallet.page
      .getByText(/^\u2068Alan Turing\u2069 asks you for \$42\.00$/)
      .first()
      .waitFor()
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
    const wallet = await wallets.signInAt('/requests', 'Requests')
    await wallet.page.getByRole('button', { name: /^Decline the request of Grace/ }).click()
    await wallet.page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click()
    // The closed request stays visible, with its note.
    const history = wallet.page.getByRole('region', { name: 'Recently closed' }).getByRole('listitem')
    await history.filter({ hasText: 'Half of the dinner' }).getByText('Declined').waitFor()
    await history.filter({ hasText: 'Coffee' }).getByText('Paid').waitFor()
    await history.filter({ hasText: 'A book' }).getByText('Expired').waitFor()
    // Another view tells that it is no longer open.
    const decline = wallet.page.getByRole('button', { name: /^Decline the request of Grace/ })
    await expect.poll(() => decline.count()).toBe(0)
  })

  it('of my own show how they stand, and can be reminded of once a day and withdrawn', async () => {
    const wallet = await wallets.signInAt('/requests/sent', 'Requests')
    await wallet.page.getByRole('button', { name: 'Remind Alan Turing of $30.00' }).click()
    const reminded = wallet.page.getByText('Reminded just now, again possible in 24 h')
    await reminded.waitFor()
    expect(await reminded.evaluate((element) => element === document.activeElement)).toBe(true)
    await keepPicture(wallet, 'request-reminded')
    await wallet.page.getByRole('link', { name: 'Alan Turing' }).click()
    await wallet.page
      .getByRole('term')
      .filter({ hasText: /^Reminded$/ })
      .waitFor()
    await wallet.page.goBack()
    await wallet.page.getByRole('button', { name: 'Withdraw the request to Alan Turing for $30.00' }).click()
    await wallet.page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click()
    await wallet.page.getByText('Waiting').waitFor({ state: 'detached' })
    await expect.poll(() => wallet.page.getByText('Withdrawn').count()).toBe(2)
  })

  it('of somebody who is blocked can be refused for good, and allowed again', async () => {
    const wallet = await wallets.signInAt('/requests', 'Requests')
    await wallet.page.getByRole('button', { name: 'Block Grace Hopper' }).click()
    const dialog = wallet.page.getByRole('dialog')
    await dialog.getByText('Block this person?').waitFor()
    await dialog.getByRole('button', { name: 'Block', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(wallet.gateway.ledger.blocked).toMatchObject([{ blocker: 'ada', blocked: 'grace-hopper' }])
    await wallet.page.getByRole('link', { name: /your profile/ }).click()
    const blocked = wallet.page.getByRole('region', { name: 'Blocked people' })
    await blocked.getByText('@grace-hopper').waitFor()
    await blocked.getByRole('button', { name: 'Unblock Grace Hopper' }).click()
    await blocked.getByText('You haven’t blocked anybody').waitFor()
    expect(wallet.gateway.ledger.blocked).toEqual([])
  })

  it('to a favourite need no search: favourites come first, on every page that asks for a person', async () => {
    const wallet = await wallets.signInAt('/send?to=grace-hopper', 'Pay or request')
    const { page, main } = wallet
    const star = main.getByRole('button', { name: 'Favourite: Grace Hopper' })
    await star.click()
    await expect.poll(() => star.getAttribute('aria-pressed')).toBe('true')
    await keepPicture(wallet, 'favourite-chosen')
    await wallet.open('/send', 'Pay or request')
    const favourites = main.getByRole('list', { name: 'Favourites' }).getByRole('listitem')
    await favourites.getByText('@grace-hopper').waitFor()
    await expect.poll(() => main.getByRole('list', { name: 'Recent' }).getByText('@grace-hopper').count()).toBe(0)
    await keepPicture(wallet, 'favourites-picker')
    // Two are found, and the favourite is the second in the directory's order.
    wallet.gateway.ledger.users.unshift({ id: 'grace-a', name: 'Grace A', username: 'grace-a' })
    await page.getByPlaceholder('Name or username').fill('Grace')
    await main.getByRole('status').getByText('2 found').waitFor()
    expect(await main.getByRole('listitem').first().innerText()).toContain('@grace-hopper')
    await wallet.open('/profile', 'Profile')
    const section = page.getByRole('region', { name: 'Favourites' })
    await section.getByRole('link', { name: 'Pay Grace Hopper' }).waitFor()
    await keepPicture(wallet, 'favourites-profile', { fullPage: true })
    await section.getByRole('button', { name: 'Remove Grace Hopper' }).click()
    await section.getByText('You have no favourites yet').waitFor()
    expect(wallet.gateway.ledger.favourites).toEqual([])
  })

  // 20,000 requests froze the page for 37 s.
  it('of which there are 20,000 leave the page quick, with a bounded number of rows', async () => {
    const wallet = await wallets.openWallet()
    for (let n = 0; n < 20_000; n += 1) wallet.gateway.ledger.ask('alan-turing', 100 + n)
    await wallet.signInAt('/requests', 'Requests')
    const rows = wallet.main.getByRole('button', { name: /^Decline the request of Alan/ })
    await expect.poll(() => rows.count()).toBe(20)
    await wallet.page
      .getByRole('link', { name: /1000 or more open/ })
      .first()
      .waitFor()
    await wallet.page.getByRole('button', { name: 'Show older requests to pay' }).click()
    await wallet.page.getByText('21–40').waitFor()
    expect(await rows.count()).toBe(20)
    expect(await wallet.page.locator('li').count()).toBeLessThan(100)
  })

  it('that are closed already can’t be paid', async () => {
    const wallet = await wallets.openWallet()
    const { id } = wallet.gateway.ledger.ask('alan-turing', 100)
    wallet.gateway.ledger.close(id, 'cancelled')
    await wallet.signInAt(`/send?request=${id}`, 'Pay or request')
    await wallet.page.getByText('has withdrawn this request').waitFor()
  })
})

describe('the visibility of a payment or request', () => {
  const shown = { name: 'Show in everybody’s activity' }

  it('is chosen in the form, shown with it everywhere, and kept when it is done again', async () => {
    const wallet = await wallets.signInAt('/send?to=grace-hopper', 'Pay or request')
    const { page, main, gateway } = wallet
    const choice = page.getByRole('switch', shown)
    await expect.poll(() => choice.isChecked()).toBe(true)
    await choice.click()
    await main.getByText('only you and the other person know of it').waitFor()
    await keepPicture(wallet, 'private-form')
    const before = gateway.ledger.activities.length
    await wallet.prepare({ amount: '5' })
    await main.getByText('Only the two of you').waitFor()
    await keepPicture(wallet, 'private-check')
    await main.getByRole('button', { name: 'Pay $5.00' }).click()
    await wallet.receipt()
    await main.getByText('Only the two of you').waitFor()
    await keepPicture(wallet, 'private-receipt')
    expect(gateway.ledger.entries.at(-1)?.visibility).toBe('private')
    expect(gateway.ledger.activities.length).toBe(before)
    await main.getByRole('link', { name: 'Pay again' }).click()
    await choice.waitFor()
    expect(await choice.isChecked()).toBe(false)
    await wallet.open('/statement', 'Statement')
    await main.getByRole('button', { name: /^To Grace Hopper\s*\(private\)/ }).waitFor()
    await keepPicture(wallet, 'private-entry', { fullPage: true })
  })

  it('begins as the profile says, and is not asked when a private request is paid', async () => {
    const wallet = await wallets.signInAt('/profile', 'Profile', { viewport: phone, colorScheme: 'dark' })
    const { page, main, gateway } = wallet
    const choice = page.getByRole('switch', shown)
    await choice.click()
    await page.getByText('Saved.').waitFor()
    await keepPicture(wallet, 'private-profile', { fullPage: true })
    expect(gateway.ledger.preferences).toEqual([{ id: 'ada', visibility: 'private' }])
    await wallet.open('/send?to=alan-turing&mode=request', 'Pay or request')
    await expect.poll(() => choice.isChecked()).toBe(false)
    await wallet.ask({ amount: '3' })
    expect(gateway.ledger.sent.at(-1)?.visibility).toBe('private')
    // What was public before is public when it is done again, even if the profile says private.
    const before = gateway.ledger.entries.at(-1)
    await wallet.open(`/payments/${before?.transferId}`, 'Payment')
    await main.getByRole('link', { name: 'Send back' }).click()
    await choice.waitFor()
    expect(await choice.isChecked()).toBe(true)
    await page.reload()
    await choice.waitFor()
    expect(await choice.isChecked()).toBe(true)
    // Another tab changes it back: this page shows it at once.
    await wallet.open('/send?to=grace-hopper', 'Pay or request')
    await expect.poll(() => choice.isChecked()).toBe(false)
    gateway.ledger.prefer('public')
    await expect.poll(() => choice.isChecked()).toBe(true)
    gateway.ledger.ask('alan-turing', 4_200, { visibility: 'private' })
    await wallet.open('/requests', 'Requests')
    await main.getByRole('listitem').filter({ hasText: 'Alan Turing' }).getByText('(private)').waitFor()
    await keepPicture(wallet, 'private-requests')
    await page.getByRole('link', { name: 'Pay $42.00 to Alan Turing' }).click()
    await main.getByText('The request is private, so its payment is, too').waitFor()
    expect(await choice.count()).toBe(0)
    await keepPicture(wallet, 'private-settling')
    await page.getByRole('button', { name: 'Continue' }).click()
    await main.getByRole('button', { name: 'Pay $42.00' }).click()
    await wallet.receipt()
    expect(gateway.ledger.entries.at(-1)?.visibility).toBe('private')
  })

  it('is switched on the profile with the keyboard, whose focus stays, and is switched back after a fault', async () => {
    const wallet = await wallets.signInAt('/profile', 'Profile')
    const { page, gateway } = wallet
    const choice = page.getByRole('switch', { name: /Show in/ })
    await choice.focus()
    await page.keyboard.press('Space')
    await page.getByText('Saved.').waitFor()
    expect(await choice.isChecked()).toBe(false)
    expect(await choice.evaluate((element) => element === document.activeElement)).toBe(true)
    gateway.faults.broken = true
    await page.keyboard.press('Space')
    await page.getByRole('alert').first().waitFor()
    expect(await choice.isChecked()).toBe(false)
    gateway.faults.broken = false
    await page.keyboard.press('Space')
    await expect.poll(() => choice.isChecked()).toBe(true)
  })
})

describe('live views', () => {
  it('show history, then what happens, each once over a break', async () => {
    const wallet = await wallets.signIn()
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
    const wallet = await wallets.signIn()
    // Views that had not loaded yet say so, too.
    const banner = wallet.page.getByText('You are offline. What you see may be out of date.')
    await wallet.context.setOffline(true)
    await banner.waitFor()
    await wallet.context.setOffline(false)
    await banner.waitFor({ state: 'detached' })
  })

  it('are closed when the page is left', async () => {
    const wallet = await wallets.signInAt('/statement', 'Statement')
    await wallet.page.getByText('Train tickets').first().waitFor()
    await wallet.page.getByRole('link', { name: /your profile/ }).click()
    await wallet.heading('Profile').waitFor()
    // The views of the frame and of the news stay on every page; all are on one connection.
    const shown = () => [...wallet.gateway.shown.values()].map((views) => views.toSorted())
    const ofFrame = [
      '/current-balance',
      '/current-preferences',
      '/payment-requests',
      '/payment-requests',
      '/sent-payment-requests',
      '/transactions',
    ]
    await expect.poll(shown).toEqual([['/blocked-people', ...ofFrame.toSpliced(2, 0, '/favourite-people')]])
  })

  it('say what will be there while they are empty', async () => {
    const wallet = await wallets.signIn({ empty: true })
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
    const wallet = await wallets.signInAt('/profile', 'Profile')
    await wallet.page.getByLabel('Name', { exact: true }).fill('Ada King')
    wallet.gateway.ledger.etag = '"7"'
    await wallet.page.getByRole('button', { name: 'Save', exact: true }).click()
    await wallet.page.getByText('Changed elsewhere').waitFor()
    await wallet.page.getByRole('button', { name: 'Save mine anyway' }).click()
    await wallet.page.getByText('Saved.').waitFor()
    expect(wallet.gateway.ledger.users[0]?.name).toBe('Ada King')
  })

  it('a search whose first pages are empty goes on, and does not say that no person was found', async () => {
    const wallet = await wallets.signIn()
    const { page } = wallet
    const asked: (string | null)[] = []
    await page.route(/\/users\?.*search=/, (route) => {
      const query = new URL(route.request().url()).searchParams
      asked.push(query.get('cursor'))
      const isFound = query.get('search') === 'grace h' && asked.length === 3
      const items = isFound ? [{ id: 'grace-hopper', name: 'Grace Hopper', username: 'grace' }] : []
      return route.fulfill({ json: { items, next: `cursor-${asked.length}` } })
    })
    await wallet.open('/send', 'Pay or request')
    await page.locator('#recipient').fill('grace h')
    await page.getByText('The first 1 found').waitFor()
    expect(asked).toEqual([null, 'cursor-1', 'cursor-2'])
    await page.getByRole('button', { name: /Grace Hopper/ }).waitFor()
    await page.locator('#recipient').fill('grace q')
    await page.getByText('Very many people have a part of this name').waitFor()
    expect(await page.getByText('Nobody is called').count()).toBe(0)
    expect(asked).toHaveLength(3 + 10)
  })

  it('asks the directory for the names that it shows, in few requests, and never for all', async () => {
    const wallet = await wallets.openWallet()
    const asked: string[] = []
    wallet.page.on('request', (request) => {
      const { pathname, search } = new URL(request.url())
      if (pathname === '/users') asked.push(search)
    })
    for (let n = 0; n < 30; n += 1) wallet.gateway.ledger.move(`gone-${n}`, 100)
    await wallet.signInAt()
    await wallet.open('/statement', 'Statement')
    await wallet.page.getByText('gone-29').first().waitFor()
    await wallet.page.evaluate('scrollTo(0, 2500)')
    await wallet.page.getByText('From Grace Hopper').first().waitFor()
    expect(asked.length).toBeLessThan(10)
    for (const search of asked) expect(search).toMatch(/^\?id=/)
    const ids = asked.flatMap((search) => new URLSearchParams(search).getAll('id'))
    // At most once for each of the two pages, though no person has this id; the first page may be left before it
    // requests.
    const times = ids.filter((id) => id === 'gone-29').length
    expect(times).toBeGreaterThanOrEqual(1)
    expect(times).toBeLessThanOrEqual(2)
  })

  it('finds entries of the statement, and offers them as CSV', async () => {
    const wallet = await wallets.signInAt('/statement', 'Statement')
    await wallet.page.getByRole('button', { name: 'All', exact: true }).click()
    await wallet.page.getByRole('searchbox', { name: 'Search entries' }).fill('opening:ada')
    await wallet.page.getByText('1 found', { exact: true }).waitFor()
    await wallet.main.getByRole('button', { name: /^.*Opening balance/ }).waitFor()
    const download = async (name: string) => {
      const file = wallet.page.waitForEvent('download')
      await wallet.page.getByRole('button', { name: 'Download' }).click()
      await wallet.page.getByRole('menuitem', { name }).click()
      return file
    }
    const table = await download('Table (CSV) of these months')
    expect(table.suggestedFilename()).toMatch(/^streampay-statement_\d{4}-\d\d_\d{4}-\d\d\.csv$/)
    const lines = (await readFile(await table.path(), 'utf8')).trimEnd().split('\r\n')
    expect(lines).toHaveLength(62)
    expect(lines[0]).toMatch(/^\uFEFF"Time \(UTC\)","Type","Name"/)
    expect(lines[1]).toContain('"Opening balance","StreamPay","streampay:treasury",500.00,500.00,')
    expect(lines.at(-1)).toContain(',1619.70,')
    expect(lines.filter((line) => line.includes('"Grace Hopper","grace-hopper"')).length).toBeGreaterThan(3)
    expect((await download('Raw data (CSV), for programs')).suggestedFilename()).toMatch(
      /^streampay-statement-raw_\d{4}-\d\d_\d{4}-\d\d\.csv$/,
    )
  })

  it('can be used with the keyboard: skip link, focus on the new heading', async () => {
    const wallet = await wallets.signInAt('/home', /^Hi/)
    await wallet.page.keyboard.press('Tab')
    await wallet.page.keyboard.press('Enter')
    expect(await wallet.page.evaluate(() => document.activeElement?.tagName)).toBe('H1')
    await wallet.page.getByRole('link', { name: 'Statement' }).press('Enter')
    await wallet.heading('Statement').waitFor()
    await wallet.page.waitForFunction(() => document.activeElement?.textContent === 'Statement')
    expect(await wallet.page.title()).toBe('Statement · StreamPay')
  })

  it('keeps the colours that were chosen', async () => {
    const wallet = await wallets.signIn()
    await wallet.page.getByRole('button', { name: 'Use dark colours' }).click()
    await wallet.page.reload()
    await wallet.page.getByRole('button', { name: 'Use light colours' }).waitFor()
    expect(await wallet.page.evaluate(() => document.documentElement.className)).toContain('dark')
  })

  it('asks people who are not signed in to sign in, and then shows the page that was wanted', async () => {
    const wallet = await wallets.openWallet()
    await wallet.page.goto(`${wallet.gateway.origin}/statement`)
    await wallet.heading(/^Pay people/).waitFor()
    await wallet.page.getByRole('button', { name: 'Sign in' }).click()
    await wallet.heading('Statement').waitFor()
  })
})
