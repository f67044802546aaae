import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, onTestFailed, TestRunner } from 'vitest'
import { launchBrowser, saveData } from './browser.ts'
import { type MockGateway, startMockGateway } from './mock-gateway.ts'
import { desktop, driveWallet, watchPage } from './wallet-driver.ts'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

const actionTimeoutMs = 20_000

/** Pages that need a permission more, with their titles. */
const permissionPages = { '/topics': 'Topics', '/break': 'Break it' } as const

export type WalletOptions = {
  readonly empty?: boolean
  readonly viewport?: { readonly width: number; readonly height: number }
  readonly colorScheme?: 'light' | 'dark'
  readonly reducedMotion?: 'reduce' | 'no-preference'
  readonly forcedColors?: 'active' | 'none'
  /** A language tag (BCP 47): the browser's language, and how it writes numbers and times. */
  readonly locale?: string
  /**
   * As a browser without workers that tabs share: each tab has a connection of its own. Playwright's changes to a page don't apply to a
   * worker.
   */
  readonly withoutWorkers?: boolean
  /** A page whose permission this person has given before: it is not asked for again. */
  readonly permitted?: keyof typeof permissionPages
  /** As a browser that does not save data: once a page is there, the others are loaded. If it saves data, a visit costs half as much. */
  readonly preloads?: boolean
}

type BrowserOptions = { readonly browserArguments?: readonly string[] }

export type Wallet = Awaited<ReturnType<Awaited<ReturnType<typeof openWallets>>['openWallet']>>

/**
 * One browser for the tests of this file. Pages that a test opens are closed after it, and the test fails if a page of it had a fault.
 */
export function useWallets(options?: BrowserOptions) {
  let wallets: Awaited<ReturnType<typeof openWallets>>
  const opened: Wallet[] = []
  beforeAll(async () => {
    wallets = await openWallets(options)
  }, 60_000)
  afterEach(async ({ task }) => {
    for (const { context, faults } of opened.splice(0)) {
      if (task.result?.state === 'fail') await tellPages(context)
      await context.close()
      expect(faults).toEqual([])
    }
  })
  afterAll(() => wallets.close())

  async function openWallet(wanted?: WalletOptions): Promise<Wallet> {
    const wallet = await wallets.openWallet(wanted)
    opened.push(wallet)
    return wallet
  }
  /** Signs in, with this page as the first one. */
  async function signInAt(path?: string, title?: string | RegExp, options?: WalletOptions): Promise<Wallet> {
    const wallet = await openWallet(options)
    await wallet.signInAt(path, title)
    return wallet
  }
  const signIn = (options?: WalletOptions) => signInAt(undefined, undefined, options)
  return { openWallet, signIn, signInAt }
}

/** What the pages show, for people who read why a test failed: the failed wait alone does not tell what was there instead. */
async function tellPages(context: BrowserContext): Promise<void> {
  for (const page of context.pages()) {
    const shown = await page.locator('body').innerText({ timeout: 1_000 }).catch(String)
    console.error(`${page.url()} shows:\n${shown}`)
  }
}

/** With a folder in SCREENSHOTS, a picture of the pages of each test is kept there. */
export async function keepPicture(
  { page }: { readonly page: Page },
  name: string,
  { fullPage = false } = {},
): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage })
}

/** One browser for a file of tests; a gateway and a session of its own for each wallet opened in it. */
async function openWallets({ browserArguments = [] }: BrowserOptions = {}) {
  const browser: Browser = await launchBrowser(browserArguments)
  const gateways: MockGateway[] = []
  /** What the first sign-in of this file with such a permission, or with none of them, left in the storages of the pages. */
  const sessions = new Map<WalletOptions['permitted'], StoredSession>()

  async function openWallet(options: WalletOptions = {}) {
    const { empty = false, viewport = desktop, colorScheme = 'light', reducedMotion = 'no-preference' } = options
    const { forcedColors = 'none', withoutWorkers = false, preloads = false, locale = 'en-US', permitted } = options
    const gateway = await startMockGateway({ dist, empty })
    gateways.push(gateway)
    const context = await browser.newContext({
      ignoreHTTPSErrors: true,
      viewport,
      colorScheme,
      reducedMotion,
      forcedColors,
      locale,
      // An answer that a test gives in place of the gateway would not reach a page that a service worker controls.
      serviceWorkers: 'block',
    })
    // Less than the timeout of a test, so that the error names the missing element.
    context.setDefaultTimeout(actionTimeoutMs)
    if (!preloads) await saveData(context)
    if (withoutWorkers) await context.addInitScript('delete globalThis.SharedWorker')
    const faults = watchPage(context, gateway.origin)
    const driver = driveWallet(await context.newPage(), gateway.origin)
    if (TestRunner.getCurrentTest() !== undefined) onTestFailed(() => tellPages(context))

    /**
     * Signs Ada in and opens a page. The first time in a file this goes through the issuer; later the pages find what that left in their
     * storages, which saves three of four pages. A test of the sign-in itself calls `signIn`.
     */
    async function signInAt(path = '/home', title: string | RegExp = /^Hi, /) {
      const known = sessions.get(permitted)
      if (known === undefined) {
        await driver.signIn()
        if (permitted !== undefined) await driver.open(permitted, permissionPages[permitted])
        sessions.set(permitted, await storedSession(driver.page, gateway.origin))
      } else await context.addInitScript(storing(known, gateway.origin))
      // The first sign-in itself ends there.
      if (!(driver.page.url() === `${gateway.origin}/home` && path === '/home')) await driver.open(path, title)
    }
    return { ...driver, signInAt, gateway, faults, context }
  }

  async function close() {
    await browser.close()
    await Promise.all(gateways.map((gateway) => gateway.close()))
  }

  return { openWallet, close }
}

/** The entries of both storages, as JSON text, and the origin that is named in them. */
type StoredSession = { readonly origin: string; readonly storages: string }

async function storedSession(page: Page, origin: string): Promise<StoredSession> {
  const storages = await page.evaluate<string>('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')
  return { origin, storages }
}

/** A script for the first page of a context: its storages are as after the sign-in of another one. */
function storing({ origin, storages }: StoredSession, here: string): string {
  return `(() => {
    if (location.origin !== '${here}' || localStorage.getItem('storedByTest') !== null) return
    localStorage.setItem('storedByTest', 'yes')
    const [local, session] = ${storages.replaceAll(origin, here)}
    for (const [key, value] of Object.entries(local)) localStorage.setItem(key, value)
    for (const [key, value] of Object.entries(session)) sessionStorage.setItem(key, value)
  })()`
}
