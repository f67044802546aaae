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
  /** As a browser that does not save data: once a page is there, the others are loaded. If it saves data, a visit costs half as much. */
  readonly preloads?: boolean
}

export type Wallet = Awaited<ReturnType<Awaited<ReturnType<typeof openWallets>>['openWallet']>>

/**
 * One browser for the tests of this file. Pages that a test opens are closed after it, and the test fails if a page of it had a fault.
 */
export function useWallets() {
  let wallets: Awaited<ReturnType<typeof openWallets>>
  const opened: Wallet[] = []
  beforeAll(async () => {
    wallets = await openWallets()
  }, 60_000)
  afterEach(async ({ task }) => {
    for (const { context, faults } of opened.splice(0)) {
      if (task.result?.state === 'fail') await tellPages(context)
      await context.close()
      expect(faults).toEqual([])
    }
  })
  afterAll(() => wallets.close())

  async function openWallet(options?: WalletOptions): Promise<Wallet> {
    const wallet = await wallets.openWallet(options)
    opened.push(wallet)
    return wallet
  }
  async function signIn(options?: WalletOptions): Promise<Wallet> {
    const wallet = await openWallet(options)
    await wallet.signIn()
    return wallet
  }
  return { openWallet, signIn }
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
export async function openWallets({ browserArguments = [] }: { browserArguments?: readonly string[] } = {}) {
  const browser: Browser = await launchBrowser(browserArguments)
  const gateways: MockGateway[] = []

  async function openWallet(options: WalletOptions = {}) {
    const { empty = false, viewport = desktop, colorScheme = 'light', reducedMotion = 'no-preference' } = options
    const { forcedColors = 'none', withoutWorkers = false, preloads = false, locale = 'en-US' } = options
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
    const wallet = driveWallet(await context.newPage(), gateway.origin)
    if (TestRunner.getCurrentTest() !== undefined) onTestFailed(() => tellPages(context))
    return { ...wallet, gateway, faults, context }
  }

  async function close() {
    await browser.close()
    await Promise.all(gateways.map((gateway) => gateway.close()))
  }

  return { openWallet, close }
}
