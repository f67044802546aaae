import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import * as germanConsole from '../src/i18n/de/console.ts'
import * as germanPages from '../src/i18n/de/pages.ts'
import * as germanWallet from '../src/i18n/de/wallet.ts'
import * as englishConsole from '../src/i18n/en/console.ts'
import * as englishPages from '../src/i18n/en/pages.ts'
import * as englishWallet from '../src/i18n/en/wallet.ts'
import type { Texts } from '../src/i18n/i18n.ts'
import { keepPicture, useWallets, type Wallet } from './support/page-tests.ts'
import { desktop, phone } from './support/wallet-driver.ts'

/** The pages in a browser that speaks German: every text is German, and at 320 px no page is wider than the screen. */
const english: Texts = { ...englishWallet, ...englishPages, ...englishConsole }
const german: Texts = { ...germanWallet, ...germanPages, ...germanConsole }

/** Pieces of the English texts that no German text has. */
const foreign = (() => {
  const pieces = (texts: Texts) =>
    Object.values(texts).flatMap((named) =>
      Object.values(named).flatMap((text) => text.split(/\{[^}]*\}|\|/).map((piece) => piece.trim())),
    )
  const known = pieces(german).join('\n')
  return [...new Set(pieces(english))].filter((piece) => piece.length >= 8 && / /.test(piece) && !known.includes(piece))
})()

const wallets = useWallets()

async function signIn(options: { readonly viewport: typeof phone; readonly locale?: string }): Promise<Wallet> {
  const wallet = await wallets.openWallet({ locale: 'de-DE', ...options })
  const { page, gateway } = wallet
  await page.goto(`${gateway.origin}/`)
  await page.getByRole('button', { name: german.titles?.signIn ?? '' }).click()
  await page.waitForURL(`${gateway.origin}/home`)
  await page.getByRole('heading', { level: 1, name: /^Hallo/ }).waitFor()
  return wallet
}

/** Opens a page; a further permission that it needs is asked for. */
async function open({ page, gateway }: Wallet, path: string): Promise<void> {
  await page.goto(`${gateway.origin}${path}`)
  await shown(page)
  const ask = page.getByRole('button', { name: german.shell?.askForIt ?? '' })
  if ((await ask.count()) === 0) return
  await ask.click()
  await page.waitForURL(`${gateway.origin}${path}`)
  await ask.waitFor({ state: 'detached' })
  await shown(page)
}

/** Waits for a heading, and until the text of the page has not changed for a moment: then its data is loaded. */
async function shown(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  for (let before = ''; ; await page.waitForTimeout(200)) {
    const now = await page.evaluate<string>('document.body.innerText')
    if (now === before) return
    before = now
  }
}

/** The texts of the page that a person sees, or that a screen reader reads. */
async function saidBy(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const said = ['aria-label', 'placeholder', 'title', 'aria-description'].flatMap((name) =>
      [...document.querySelectorAll('[' + name + ']')].map((element) => element.getAttribute(name)))
    return [document.title, document.body.innerText, ...said].join('\\n')
  })()`)
}

const paths = [
  '/home',
  '/send',
  '/send?to=grace-hopper',
  '/requests',
  '/requests/sent',
  '/statement',
  '/profile',
  '/payments/t9-9',
  '/nowhere',
  '/topics',
  '/topics/transactions',
  '/groups',
  '/open-transactions',
  '/dead-letters',
  '/trace',
  '/break',
]

describe('a browser that speaks German', () => {
  it('gets German on every page, and at 320 px no page is wider than the screen', async () => {
    const wallet = await signIn({ viewport: desktop })
    const { page } = wallet
    expect(await page.locator('html').getAttribute('lang')).toBe('de')
    const left: string[] = []
    const wide: string[] = []
    for (const path of paths) {
      await open(wallet, path)
      for (const viewport of [desktop, { width: 320, height: 700 }]) {
        await page.setViewportSize(viewport)
        await shown(page)
        await keepPicture(wallet, `de-${viewport.width}${path.replaceAll(/[/?=]/g, '-')}`)
        const said = await saidBy(page)
        left.push(...foreign.filter((piece) => said.includes(piece)).map((piece) => `${path}: ${piece}`))
        const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
        if (over !== 0) wide.push(`${path} by ${over} px at ${viewport.width} px`)
      }
      await page.setViewportSize(desktop)
    }
    expect(left).toEqual([])
    expect(wide).toEqual([])
  }, 120_000)

  it('shows amounts with a comma, and accepts them so', async () => {
    const wallet = await signIn({ viewport: phone })
    const { page, gateway } = wallet
    await page.goto(`${gateway.origin}/send?to=grace-hopper`)
    const amount = page.getByRole('textbox', { name: 'Betrag' })
    await amount.fill('1.234')
    const goOn = page.getByRole('button', { name: german.send?.goOn ?? '' })
    await goOn.click()
    await page
      .getByText(/1\.234,00\s\$/)
      .first()
      .waitFor()
    await page.goBack()
    // In a language with a decimal point it could be either.
    await amount.fill('1,234')
    await goOn.click()
    await page.getByText('„1,234“ kann 1,234 oder 1234 bedeuten').waitFor()
    await amount.fill('12,50')
    await goOn.click()
    await page.getByRole('button', { name: /12,50\s\$/ }).click()
    expect(await page.getByTestId('receipt-id').innerText()).toMatch(/^t\d/)
    await page
      .getByText(/12,50\s\$/)
      .first()
      .waitFor()
    await keepPicture(wallet, 'de-receipt')
  })

  it('gets English once that is chosen, with amounts as in English', async () => {
    const wallet = await signIn({ viewport: desktop })
    const { page, gateway } = wallet
    await page.goto(`${gateway.origin}/profile`)
    await page.getByRole('combobox', { name: 'Sprache' }).selectOption('en')
    await page.getByRole('heading', { level: 1, name: 'Profile' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    await page
      .getByTestId('nav-balance')
      .getByText(/^\$[\d,]+\.\d\d$/)
      .waitFor()
    await page.getByRole('combobox', { name: 'Language' }).selectOption('browser')
    await page.getByRole('heading', { level: 1, name: 'Profil' }).waitFor()
  })
})

it('gets English if there are no texts in its language, with amounts as in its language', async () => {
  const wallet = await wallets.openWallet({ locale: 'fr-FR' })
  await wallet.signInAt()
  await wallet.page
    .getByTestId('nav-balance')
    .getByText(/^[\d\s\u202F]+,\d\d\s\$$/)
    .waitFor()
})

it('gets English throughout when the texts of its language can’t be loaded', async () => {
  const { page, gateway, context } = await wallets.openWallet({ locale: 'de-DE' })
  const lost = german.home?.availableBalance ?? ''
  await context.route('**/assets/*.js', async (route) => {
    const response = await route.fetch()
    const body = await response.text()
    if (body.includes(lost)) return route.abort()
    return route.fulfill({ response, body })
  })
  await page.goto(`${gateway.origin}/`)
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  expect(await page.locator('html').getAttribute('lang')).toBe('en')
})
