/** `/docs` in a browser, under the gateway's own policy: a development token at the press of a button, and requests with it. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Demo, openDemo, tabTo } from './support/demo.ts'
import { inspect } from './support/inspection.ts'

let demo: Demo
beforeAll(async () => {
  demo = await openDemo()
}, 120_000)
afterAll(() => demo?.close(), 60_000)

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
