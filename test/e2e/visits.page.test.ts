/**
 * Visits that differ from the walkthrough: with the keyboard alone, at a second gateway, to the page of the interface, and over HTTP/1.1. One
 * application serves them all, because its start is most of the work.
 */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { http1Only } from '../../apps/ui/test/support/browser.ts'
import { driveWallet } from '../../apps/ui/test/support/wallet-driver.ts'
import { type Demo, openDemo, tabTo } from './support/demo.ts'
import { type Entry, Friend } from './support/friend.ts'
import { inspect } from './support/inspection.ts'

let demo: Demo
let friend: Friend
beforeAll(async () => {
  demo = await openDemo({ gateways: 2 })
  friend = new Friend(demo.bank, { id: 'alan', name: 'Alan Turing' })
  await friend.register()
}, 120_000)
afterAll(() => demo?.close(), 60_000)

/** What this person has paid the friend: each of these tests pays $3.33. */
function paidBy(person: string): Promise<readonly Entry[]> {
  return friend.entriesThat(({ amount, counterparty }) => amount === 333 && counterparty === person)
}

describe('with the keyboard alone', { timeout: 60_000 }, () => {
  it('signs in, skips to the content, and pays', async () => {
    const visit = await demo.visit({ width: 1280, height: 800 })
    const { page } = visit
    const { keyboard } = page
    await page.goto(demo.app.origin)
    await visit.heading(/^Pay people/).waitFor()
    await tabTo(page, /^Sign in$/)
    await keyboard.press('Enter')
    await visit.heading('Sign in to StreamPay').waitFor()
    await tabTo(page, /^Your name$/)
    await keyboard.type('Rosa Keys')
    await keyboard.press('Enter')
    await visit.heading('Welcome to StreamPay').waitFor()
    await tabTo(page, /^Publish and open my account$/)
    await keyboard.press('Enter')
    await visit.heading('Hi, Rosa').waitFor()
    await visit.balance().getByText('$').waitFor()

    // Two pages later, the focus begins at the top again: the first element there skips the navigation.
    await page.reload()
    await visit.heading('Hi, Rosa').waitFor()
    await tabTo(page, /^Skip to content$/)
    await keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Hi, Rosa')
    await tabTo(page, /^Pay$/)
    await keyboard.press('Enter')
    await visit.heading('Pay or request').waitFor()
    await tabTo(page, /^To$/)
    await keyboard.type('Alan Tur')
    await page.getByRole('listitem').getByRole('button', { name: 'Alan Turing' }).waitFor()
    await tabTo(page, /^Alan Turing/)
    await keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Amount' }).waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('amount')
    await keyboard.type('3.33')
    await tabTo(page, /^Continue$/)
    await keyboard.press('Enter')
    await visit.heading('Check and pay').waitFor()
    await tabTo(page, /^Pay \$3\.33$/)
    await keyboard.press('Enter')
    const transferId = await visit.receipt()
    expect(await paidBy('rosa-keys')).toMatchObject([{ transferId }])
    expect(visit.faults).toEqual([])
    await visit.context.close()
  })
})

/** The wallet at a second gateway: it never leaves that origin, although the issuer has the name of the first. */
describe('at a second gateway', () => {
  it('signs in and pays there', { timeout: 60_000 }, async () => {
    const [, origin] = demo.app.origins
    const visit = await demo.visit({ width: 1280, height: 800 }, { origin })
    const { page } = visit
    await visit.signIn(async () => {
      await page.getByLabel('Your name').fill('Rosa Second')
      await page.keyboard.press('Enter')
    })
    await visit.balance().getByText('$').waitFor()
    await visit.open('/send', 'Pay or request')
    const transferId = await visit.pay({ to: 'Alan Turing', amount: '3.33' })
    expect(await paidBy('rosa-second')).toMatchObject([{ transferId }])
    expect(visit.faults).toEqual([])
    await visit.context.close()
  })
})

/** `/docs`, under the gateway's own policy: a development token at the press of a button, and requests with it. */
describe('the page of the interface', () => {
  /** The form of an operation, which is opened. */
  async function openForm(page: Page, name: string) {
    const operation = page.getByRole('article', { name, exact: true })
    await operation.getByText('Try it').press('Enter')
    return operation.getByRole('form')
  }

  it.each([
    [320, 'light'],
    [1280, 'dark'],
  ] as const)(
    'the page of the interface fits into %d px, without a fault in the look %s',
    async (width, look) => {
      const { page, context, faults } = await demo.visit({ width, height: 800 })
      await page.goto(`${demo.app.origin}/docs`)
      await page.getByRole('heading', { name: 'StreamPay: HTTP API' }).waitFor()
      await page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true`)
      expect(await inspect(page, `docs-${width}`, look)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      // Also what the page asks for elsewhere would be a fault.
      expect(faults).toEqual([])
      await context.close()
    },
    120_000,
  )

  it('a development token, a profile, and a payment that is refused in words: by keyboard alone', async () => {
    const { page, context } = await demo.visit({ width: 1280, height: 800 })
    const { keyboard } = page
    await page.goto(`${demo.app.origin}/docs`)
    await tabTo(page, /^Skip to content$/)
    await keyboard.press('Enter')
    await tabTo(page, /^Name$/)
    await keyboard.press('ControlOrMeta+A')
    await keyboard.type('dora')
    await tabTo(page, /^Get a development token$/)
    await keyboard.press('Enter')
    await page.getByText(/^The token is valid for \d+ minutes\.$/).waitFor()
    expect(await page.getByLabel('Access token').inputValue()).toMatch(/^ey/)

    const profile = await openForm(page, 'PUT /current-user')
    await profile.getByLabel('Body').fill('{"name":"Dora Docs","username":"dora"}')
    await profile.getByRole('button', { name: 'Send' }).press('Enter')
    await profile.getByText('"name": "Dora Docs"').waitFor()

    const pay = await openForm(page, 'POST /pay')
    await pay.getByLabel('Body').fill('{"userId":"nobody-there","amount":100}')
    await pay.getByRole('button', { name: 'Send' }).press('Enter')
    await pay.getByText(/^404/).waitFor()
    await pay.getByText('urn:streampay:problem:unknown-recipient').waitFor()
    await context.close()
  }, 60_000)

  it('without a token a request is refused, and a stream continues until it is stopped', async () => {
    const { page, context } = await demo.visit({ width: 1280, height: 800 })
    await page.goto(`${demo.app.origin}/docs`)
    const activities = await openForm(page, 'GET /activities')
    await activities.getByRole('button', { name: 'Send' }).click()
    await activities.getByText(/^401/).waitFor()

    await page.getByRole('button', { name: 'Get a development token' }).click()
    await page.getByText(/^The token is valid/).waitFor()
    await activities.getByLabel('Accept').selectOption('text/event-stream')
    await activities.getByRole('button', { name: 'Send' }).click()
    await activities.getByText('event: caught-up').waitFor()
    await activities.getByRole('button', { name: 'Stop' }).click()
    await activities.getByText(/^200.*; stopped$/).waitFor()
    await context.close()
  }, 60_000)
})

/** The wallet over HTTP/1.1 alone, as behind many proxies: a browser has six connections for all its tabs. This kills the gateway. */
describe('over HTTP/1.1 alone', () => {
  // The statement page took all six connections with a stream for each view: chart, CSV and the second tab hung.
  it('shows statement and chart in two tabs, live, pays, and gives the statement away', {
    timeout: 120_000,
  }, async () => {
    const visit = await demo.visit({ width: 1280, height: 800 }, { browserArguments: http1Only })
    await visit.signIn(async () => {
      await visit.page.getByLabel('Your name').fill('Rosa Old')
      await visit.page.keyboard.press('Enter')
    })
    const protocols = () =>
      visit.page.evaluate<string[]>(
        `performance.getEntriesByType('resource').map(({ nextHopProtocol }) => nextHopProtocol)`,
      )
    const second = driveWallet(await visit.context.newPage(), demo.app.origin)
    for (const tab of [visit, second]) {
      await tab.open('/statement', 'Statement')
      await tab.page.getByRole('img', { name: /^Line chart/ }).waitFor()
      await tab.balance().getByText('$').waitFor()
    }
    expect(new Set(await protocols())).toContain('http/1.1')
    expect(new Set(await protocols())).not.toContain('h2')

    await friend.pay('rosa-old', 1_717, 'Seen in both')
    for (const tab of [visit, second]) await tab.page.getByText('Seen in both').first().waitFor()

    const file = second.page.waitForEvent('download')
    await second.page.getByRole('button', { name: 'Download' }).click()
    await second.page.getByRole('menuitem', { name: 'Table (CSV) of these months' }).click()
    expect(await readFile(await (await file).path(), 'utf8')).toContain('"Seen in both"')

    await visit.open('/send', 'Pay or request')
    const transferId = await visit.pay({ to: 'Alan Turing', amount: '3.33' })
    expect(await paidBy('rosa-old')).toMatchObject([{ transferId }])
    await second.page.getByText('To Alan Turing').first().waitFor()

    // The gateway ends and comes back: each tab gets the events of that time once.
    visit.answers.mayFail = true
    const third = driveWallet(await visit.context.newPage(), demo.app.origin)
    await third.open('/statement', 'Statement')
    await third.page.getByRole('img', { name: /^Line chart/ }).waitFor()
    await visit.page.close()
    const pid = demo.app.pidOf('gateway')
    process.kill(pid, 'SIGKILL')
    await demo.app.restarted('gateway', pid, 40_000)
    for (const n of [1, 2, 3]) await friend.pay('rosa-old', 100 + n, `Meanwhile ${n}`)
    for (const { page, main } of [second, third]) {
      for (const n of [1, 2, 3]) {
        await main.getByText(`Meanwhile ${n}`).first().waitFor()
        expect(await main.getByText(`Meanwhile ${n}`).count()).toBe(1)
      }
      await page.getByText('Reconnecting…').waitFor({ state: 'hidden' })
    }
    expect(visit.faults).toEqual([])
    await visit.context.close()
  })
})
