import type { BrowserContext, Locator, Page } from 'playwright-core'

/**
 * The wallet as a person uses it: elements are found by roles and labels only, so that each test that uses this also
 * shows that the wallet can be used with a keyboard and a screen reader.
 */
export type WalletDriver = ReturnType<typeof driveWallet>

export const phone = { width: 390, height: 844 }
export const desktop = { width: 1280, height: 860 }

export function driveWallet(page: Page, origin: string) {
  const main = page.getByRole('main')
  const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name })

  /** Opens the landing page and goes to the issuer; `choose` fills in the issuer's page, if there is one. */
  async function signIn(choose: () => Promise<void> = async () => {}) {
    await page.goto(`${origin}/`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await choose()
    await page.waitForURL(`${origin}/home`)
    await heading(/^(Hi, |Welcome)/).waitFor()
    if ((await heading(/^Hi, /).count()) > 0) return
    await page.getByRole('button', { name: 'Publish and open my account' }).click()
    await heading(/^Hi, /).waitFor()
  }

  /** Opens an address; a further permission that the page needs is asked for. */
  async function open(path: string, title: string | RegExp) {
    await page.goto(`${origin}${path}`)
    await arrive(title)
  }

  /**
   * Goes to an address as a link does, without loading the page again, which is two thirds of the work. Where the page before has the same
   * heading, the caller must wait for something else of the new one.
   */
  async function goTo(path: string, title: string | RegExp) {
    await page.evaluate(`history.pushState(null, '', ${JSON.stringify(path)})
      dispatchEvent(new PopStateEvent('popstate', { state: null }))`)
    await arrive(title)
  }

  async function arrive(title: string | RegExp) {
    const question = heading('One more permission')
    // A dialog that the address opens hides the heading from screen readers.
    await heading(title).or(question).or(page.getByRole('dialog')).first().waitFor()
    if ((await question.count()) === 0) return
    await page.getByRole('button', { name: 'Ask for it' }).click()
    await heading(title).waitFor()
  }

  /** The balance as the navigation shows it, on wide screens at the side and on phones at the top. */
  function balance(): Locator {
    return page.locator('[data-testid="nav-balance"], [data-testid="bar-balance"]').filter({ visible: true })
  }

  /** Fills in the form and goes on to the confirmation. */
  async function prepare({ to, amount, note }: { to?: string; amount: string; note?: string }) {
    if (to !== undefined) {
      await page.getByPlaceholder('Name or username').fill(to)
      await main.getByRole('listitem').getByRole('button', { name: to }).first().click()
    }
    await page.getByRole('textbox', { name: 'Amount' }).fill(amount)
    if (note !== undefined) await page.getByRole('textbox', { name: /^Note/ }).fill(note)
    await page.getByRole('button', { name: 'Continue' }).click()
    await heading(/^Check and/).waitFor()
  }

  /** The id on the receipt, once there is one. */
  async function receipt(): Promise<string> {
    const id = page.getByTestId('receipt-id')
    await id.waitFor()
    return id.innerText()
  }

  async function pay(payment: { to?: string; amount: string; note?: string }): Promise<string> {
    await prepare(payment)
    await main.getByRole('button', { name: /^Pay \$/ }).click()
    return receipt()
  }

  /** Asks for money with the form on `/send?mode=request`. */
  async function ask(request: { to?: string; amount: string; note?: string }): Promise<string> {
    await prepare(request)
    await main.getByRole('button', { name: /^Ask for \$/ }).click()
    return receipt()
  }

  return { page, main, heading, signIn, open, goTo, balance, prepare, pay, ask, receipt }
}

/** Faults that no page may have, gathered while it is used. */
export function watchPage(context: BrowserContext, origin: string) {
  const faults: string[] = []
  context.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !/^(blob|data):/.test(url)) faults.push(`loaded from another origin: ${url}`)
  })
  context.on('console', (message) => {
    // A refusal with its status is no fault of the page, although the browser logs it as one.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text())
  })
  context.on('weberror', (error) => faults.push(String(error.error())))
  return faults
}
