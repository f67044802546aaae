/** The statement in a real browser: months, figures, people, search, print, and a list too long to be in the DOM as a whole. */
import { monthOf } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { keepPicture, useWallets, type Wallet, type WalletOptions } from './support/page-tests.ts'
import { phone } from './support/wallet-driver.ts'

const wallets = useWallets()

const figure = ({ main }: Wallet, label: string) =>
  main.locator('dl > div').filter({ hasText: label }).locator('dd').first()
const monthsOf = ({ gateway }: Wallet) => [...gateway.ledger.statements.keys()]

async function signInToAll(options?: WalletOptions): Promise<Wallet> {
  const wallet = await wallets.signInAt('/statement', 'Statement', options)
  await wallet.main.getByRole('button', { name: 'All', exact: true }).click()
  await expect.poll(() => figure(wallet, 'Opening balance').innerText()).toBe('$0.00')
  return wallet
}

describe('the statement', () => {
  it('shows the newest month, all months, and chosen ones, each at an address of its own', async () => {
    const wallet = await wallets.signInAt('/statement', 'Statement')
    const { page, main, gateway } = wallet
    const newest = [...gateway.ledger.statements.values()].at(-1)
    if (newest === undefined) throw new Error('there is no month')
    const dollars = (cents: number) => (cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })
    await expect.poll(() => figure(wallet, 'Opening balance').innerText()).toBe(`$${dollars(newest.opening)}`)
    await expect.poll(() => figure(wallet, 'Closing balance').innerText()).toBe('$1,619.70')
    await keepPicture(wallet, 'statement-month', { fullPage: true })

    await main.getByRole('button', { name: 'All', exact: true }).click()
    await expect.poll(() => figure(wallet, 'Opening balance').innerText()).toBe('$0.00')
    const months = monthsOf(wallet)
    expect(new URL(page.url()).search).toBe(`?from=${months[0]}&to=${months.at(-1)}`)
    const counts = await Promise.all(['Money in', 'Money out'].map((label) => figure(wallet, label).innerText()))
    const entries = counts.map((text) => Number(/(\d+) entr/.exec(text)?.[1]))
    expect(entries.reduce((sum, count) => sum + count)).toBe(61)
    await main.getByRole('img', { name: /^Line chart of all 61 balances/ }).waitFor()

    await main.getByLabel('To month').selectOption(months[0] ?? '')
    await expect.poll(() => new URL(page.url()).search).toBe(`?from=${months[0]}&to=${months[0]}`)
    await main.getByText('Opening balance', { exact: true }).nth(1).waitFor()
    await page.goBack()
    await main.getByRole('button', { name: 'All', exact: true, pressed: true }).waitFor()
    await page.reload()
    await main.getByRole('button', { name: 'All', exact: true, pressed: true }).waitFor()
  })

  it('of months without movements has their opening balance, and says that nothing moved', async () => {
    const wallet = await wallets.signInAt(`/statement?from=2001-05&to=2001-04`, 'Statement')
    await wallet.main.getByText('Nothing moved your balance in this time. It stayed at $0.00.').waitFor()
    await wallet.main.getByText('No entries yet').waitFor()
    await wallet.main.getByText(/^Nobody gave or had money in April/).waitFor()
    expect(await figure(wallet, 'Closing balance').innerText()).toBe('$0.00')
  })

  it('updates live: entries, figures and people; a search shows only what matches', async () => {
    const wallet = await wallets.signInAt('/statement', 'Statement')
    const { main, gateway } = wallet
    await main.getByText('Train tickets').first().waitFor()
    const first = main.locator('button[aria-controls^="entry-"]').first()
    const newest = gateway.ledger.entries.at(-1)?.transferId
    await expect.poll(() => first.getAttribute('aria-controls')).toBe(`entry-${newest}`)
    gateway.ledger.move('grace-hopper', 100_000_00, { notes: 'A yacht' })
    await expect.poll(() => first.innerText()).toContain('A yacht')
    await expect.poll(() => figure(wallet, 'Closing balance').innerText()).toBe('$101,619.70')
    await expect
      .poll(() => main.getByRole('list', { name: 'By person' }).getByRole('listitem').first().innerText(), {
        timeout: 5_000,
      })
      .toMatch(/Grace Hopper.*\$100,/s)
    await main.getByRole('searchbox', { name: 'Search entries' }).fill('YACHT')
    await main.getByText('1 found', { exact: true }).waitFor()
    gateway.ledger.move('grace-hopper', 5, { notes: 'Not that' })
    gateway.ledger.move('grace-hopper', 6, { notes: 'Another yacht' })
    await main.getByText('2 found', { exact: true }).waitFor()
    expect(await main.getByText('Not that').count()).toBe(0)
    await main.getByText('Money out', { exact: true }).last().click()
    await main.getByText('Nothing matches').waitFor()
    await main.getByRole('button', { name: 'Clear' }).click()
    await main.getByText('Not that').waitFor()
  })

  it('tells when its figures lack entries for longer than a moment', async () => {
    const wallet = await wallets.openWallet()
    await wallet.page.clock.install()
    await wallet.signInAt('/statement', 'Statement')
    const { page, main, gateway } = wallet
    await main.getByText('Train tickets').first().waitFor()
    gateway.faults.statementsStop = true
    gateway.ledger.move('grace-hopper', 100, { notes: 'Uncounted' })
    await main.getByText('Uncounted').waitFor()
    expect(await main.getByTestId('figures-behind').count()).toBe(0)
    await page.clock.runFor(3_500)
    await main.getByText('The newest entry is not in these figures yet').waitFor()
  })

  it('has the people with the largest sums, and all on request', async () => {
    const wallet = await signInToAll({ viewport: phone })
    const { main, gateway } = wallet
    const people = main.getByRole('list', { name: 'By person' }).getByRole('listitem')
    await expect.poll(() => people.count()).toBe(5)
    const known = new Set(gateway.ledger.history.map(({ counterparty }) => counterparty)).size
    await main.getByRole('button', { name: `Show all ${known} people` }).click()
    expect(await people.count()).toBe(known)
    await keepPicture(wallet, 'statement-people-phone', { fullPage: true })
  })

  it('is printed with every entry, and without the page around it', async () => {
    const wallet = await signInToAll()
    const { page, main, gateway } = wallet
    await page.evaluate(`globalThis.print = () => { globalThis.printed = (globalThis.printed ?? 0) + 1 }`)
    await main.getByRole('button', { name: 'Print or PDF' }).click()
    const sheet = page.getByTestId('print-sheet')
    await expect.poll(() => page.evaluate('globalThis.printed')).toBe(1)
    expect(await sheet.isVisible()).toBe(false)
    await page.emulateMedia({ media: 'print' })
    await sheet.waitFor()
    await main.waitFor({ state: 'hidden' })
    const rows = sheet.locator('table').last().locator('tbody tr')
    expect(await rows.count()).toBe(61)
    expect(await rows.last().innerText()).toContain('$1,619.70')
    expect(await sheet.innerText()).toMatch(/Closing balance\s+\$1,619\.70/)
    expect(await sheet.innerText()).toContain('Grace Hopper')
    await keepPicture(wallet, 'statement-print', { fullPage: true })
    // As the browser prints it: on more than one sheet, and then the sheet is removed.
    const pdf = await page.pdf({ format: 'A4' })
    expect(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThan(1)
    await sheet.waitFor({ state: 'detached' })

    gateway.faults.broken = true
    await page.emulateMedia({ media: 'screen' })
    await main.getByRole('button', { name: 'Print or PDF' }).click()
    await main.getByRole('alert').first().waitFor()
    expect(await page.evaluate('globalThis.printed')).toBe(1)
  })

  it('of many entries has only some in the page, wherever it is scrolled to, and reaches the last', async () => {
    const wallet = await wallets.openWallet()
    const { page, main, gateway } = wallet
    gateway.faults.pageSize = 1_000
    for (let n = 0; n < 800; n += 1) gateway.ledger.move('grace-hopper', 1, { notes: `Drop ${n}` })
    const month = monthOf(Date.now())
    await wallet.signInAt(`/statement?from=${month}&to=${month}`, 'Statement')
    await main.getByText('Drop 799').waitFor()
    const rows = () => main.locator('button[aria-controls^="entry-"]').count()
    // The first entry that is not of the month before.
    const last = main.locator(`[aria-controls="entry-${gateway.ledger.entries[1]?.transferId}"]`)
    let most = 0
    await expect
      .poll(
        async () => {
          await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)')
          most = Math.max(most, await rows())
          return last.count()
        },
        { timeout: 15_000, interval: 20 },
      )
      .toBe(1)
    expect(most).toBeLessThan(250)
    await page.evaluate('scrollTo(0, 0)')
    await main.getByText('Drop 799').waitFor()
    expect(await rows()).toBeLessThan(250)
  })
})
