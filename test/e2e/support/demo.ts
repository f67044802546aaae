/** The real application with a browser: StreamPay as a user starts it, with simulated people that act a few times as often. */
import type { BrowserContext, Page, Response } from 'playwright-core'
import { launchBrowser } from '../../../apps/ui/test/support/browser.ts'
import { driveWallet, watchPage } from '../../../apps/ui/test/support/wallet-driver.ts'
import { BankClient } from '../../support/bank-client.ts'
import { startStreamPay } from '../../support/streampay-process.ts'

export type Demo = Awaited<ReturnType<typeof openDemo>>
export type Visit = Awaited<ReturnType<Demo['visit']>>
export type Screen = { readonly width: number; readonly height: number }

const actionTimeoutMs = 20_000
const simulation = ['--speed', '4', '--max-users', '24']

export type DemoOptions = {
  readonly gateways?: number
  /** Options of the launcher, in addition to those of the simulation. */
  readonly args?: readonly string[]
  /** The folder of another clone, whose application is started. */
  readonly clone?: string | undefined
}

export type VisitOptions = {
  /** Of another gateway than the first. */
  readonly origin?: string | undefined
  /** A visit with these has a browser of its own. */
  readonly browserArguments?: readonly string[]
}

export async function openDemo({ gateways = 1, args = [], clone }: DemoOptions = {}) {
  // One after the other: if one start fails, it must not leave the other running.
  const browser = await launchBrowser()
  const browsers = [browser]
  const places = clone === undefined ? {} : { clone }
  const app = await startStreamPay({ args: [...simulation, ...args], gateways, ...places }).catch(
    async (error: unknown) => {
      await browser.close()
      throw error
    },
  )
  const bank = new BankClient({ origins: [app.origin], ca: app.caCertificate() })

  /** A browser context of one person: two visits share nothing. Any request to another origin is a fault. */
  async function visit(viewport: Screen, { origin = app.origin, browserArguments }: VisitOptions = {}) {
    const used = browserArguments === undefined ? browser : await launchBrowser(browserArguments)
    if (used !== browser) browsers.push(used)
    const context = await used.newContext({ ignoreHTTPSErrors: true, viewport, reducedMotion: 'reduce' })
    context.setDefaultTimeout(actionTimeoutMs)
    const faults = watchPage(context, origin)
    const answers = watchAnswers(context, faults)
    const page = await context.newPage()
    return { ...driveWallet(page, origin), context, faults, answers }
  }

  async function close() {
    bank.close()
    await Promise.all(browsers.map((each) => each.close()))
    await app.stop()
  }

  return { app, bank, visit, close }
}

/**
 * Error answers are faults, except while the test causes them itself. A person who signs in for the first time has no profile yet, and the
 * wallet learns that from a 404.
 */
function watchAnswers(context: BrowserContext, faults: string[]) {
  const answers = { mayFail: false }
  context.on('response', (response: Response) => {
    const status = response.status()
    const call = `${response.request().method()} ${new URL(response.url()).pathname}`
    const isFirstSignIn = status === 404 && call === 'GET /current-user'
    if (status >= 400 && !answers.mayFail && !isFirstSignIn) faults.push(`${status} for ${call}`)
  })
  return answers
}

/** Presses Tab until the focus is on the element with this accessible name; throws if the keyboard can't reach it. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  const maxSteps = 80
  const passed: string[] = []
  for (let step = 0; step < maxSteps; step += 1) {
    await page.keyboard.press('Tab')
    const label = await page.evaluate<string>(`(() => {
      const element = document.activeElement
      const labels = [...(element.labels ?? [])].map((label) => label.textContent)
      return (element.getAttribute('aria-label') ?? (labels.join(' ') || element.textContent)).replace(/\\s+/g, ' ').trim()
    })()`)
    if (name.test(label)) return
    passed.push(label)
  }
  throw new Error(`the keyboard does not reach ${name}; it passed ${passed.join(' | ')}`)
}
