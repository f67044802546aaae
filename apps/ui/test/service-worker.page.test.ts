/** The service worker in a browser: what it keeps, what is shown without a connection, and how one build replaces another. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { launchBrowser } from './support/browser.ts'
import { type MockGateway, startMockGateway } from './support/mock-gateway.ts'
import { pageFaults } from './support/page-faults.ts'
import { keepPicture } from './support/page-tests.ts'
import { driveWallet, phone } from './support/wallet-driver.ts'

/**
 * Browsers check for a new service worker a moment after a page was opened. Chromium lets it take over when the former one is idle, which
 * after a late request it is for 30 s.
 */
const updating = { timeout: 60_000, interval: 250 }
const built = fileURLToPath(new URL('../dist', import.meta.url))
let browser: Browser
let dist: string
let gateway: MockGateway

beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser.close())
beforeEach(async () => {
  dist = mkdtempSync(join(tmpdir(), 'streampay-dist-'))
  cpSync(built, dist, { recursive: true })
  gateway = await startMockGateway({ dist })
})
afterEach(async () => {
  await gateway.close()
  rmSync(dist, { recursive: true })
})

it('keeps only files of the build and the offline page, which is shown when nothing answers', async () => {
  const { page, heading } = await signIn()
  await page.reload()
  await heading(/^Hi, /).waitFor()
  await expect.poll(async () => (await kept(page)).length, updating).toBeGreaterThan(5)
  const paths = await kept(page)
  expect(paths).toContain('/offline.html')
  expect(paths.filter((path) => path !== '/offline.html' && !path.startsWith('/assets/'))).toEqual([])
  await gateway.close()
  await page.goto(`${gateway.origin}/statement?search=rent`).catch(() => undefined)
  await heading('StreamPay can’t be reached').waitFor()
  await keepPicture({ page }, 'offline')
  expect(await page.getByRole('link', { name: 'Try again' }).evaluate((link) => (link as HTMLAnchorElement).href)).toBe(
    `${gateway.origin}/statement?search=rent`,
  )
  expect(await pageFaults(page, ['wcag2a', 'wcag2aa', 'wcag22aa', 'best-practice'])).toEqual([])
})

it('is replaced by another build, and by one without a service worker, without a page of the old one', async () => {
  const { page, heading } = await signIn()
  const look = async () => {
    await page.reload()
    await heading(/^Hi, /).waitFor()
    return page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--build'))
  }
  expect(await look()).toBe('')
  const [first = ''] = await page.evaluate(() => caches.keys())
  buildAnew('second')
  expect(await look()).toBe('second')
  await expect.poll(() => inCharge(page), updating).toEqual([first, 'streampay-shell-second'])
  buildAnew('third')
  expect(await look()).toBe('third')
  await expect.poll(() => inCharge(page), updating).toEqual(['streampay-shell-second', 'streampay-shell-third'])
  // The state before the service worker was registered.
  buildAnew('fourth')
  rmSync(join(dist, 'sw.js'))
  expect(await look()).toBe('fourth')
}, 150_000)

/** A signed-in person, on a page that the service worker controls. */
async function signIn() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: phone })
  const wallet = driveWallet(await context.newPage(), gateway.origin)
  await wallet.signIn()
  await wallet.page.evaluate(async () => {
    await navigator.serviceWorker.ready
  })
  return wallet
}

/**
 * The caches, oldest first, once the newest service worker is in control. The test requests the update: a page that is opened while one is
 * being installed makes the browser check only when the next page is opened.
 */
function inCharge(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    await registration.update()
    const { installing, waiting, active } = registration
    if (installing === null && waiting === null && active?.state === 'activated') return caches.keys()
    return [`installing: ${installing?.state}, waiting: ${waiting?.state}, active: ${active?.state}`]
  })
}

function kept(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const paths: string[] = []
    for (const name of await caches.keys()) {
      const requests = await (await caches.open(name)).keys()
      paths.push(...requests.map(({ url }) => new URL(url).pathname))
    }
    return paths.sort()
  })
}

/** Changes what a new build changes: the style sheet of the page has another name, so the page and the service worker differ too. */
function buildAnew(name: string): void {
  const [styles = ''] = readdirSync(join(dist, 'assets')).filter((file) => /^index.*\.css$/.test(file))
  const css = readFileSync(join(dist, 'assets', styles), 'utf8').replace(/:root\{--build:.*$/, '')
  rmSync(join(dist, 'assets', styles))
  const renamed = `index-${name}.css`
  writeFileSync(join(dist, 'assets', renamed), `${css}:root{--build:${name}}`)
  for (const file of ['index.html', 'sw.js']) {
    const text = readFileSync(join(dist, file), 'utf8').replaceAll(styles, renamed)
    writeFileSync(join(dist, file), text.replace(/"version":"[^"]*"/, `"version":"${name}"`))
  }
}
