/** The issuer's pages in a real browser: on narrow phones, and in the colours that a user forces. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { launchBrowser } from '../../ui/test/support/browser.ts'
import { stylePath } from '../src/pages.ts'
import { actionOf, authorizationRequest, openBrowser } from './support/browser.ts'
import { issuer, openIssuer, temporaryFolder } from './support/issuer.ts'

let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser.close())

/** With a folder in SCREENSHOTS, a picture of each tested page is kept there. */
const screenshots = process.env.SCREENSHOTS

type View = { readonly width: number; readonly forcedColors?: 'active'; readonly colorScheme?: 'dark' }

type Shown = {
  readonly page: Page
  show(html: string): Promise<void>
  readonly signIn: string
  readonly refused: string
}

/** The issuer's response, shown at its public address with its own style sheet. */
async function openPages({ width, forcedColors, colorScheme }: View): Promise<Shown> {
  const identity = await openIssuer(temporaryFolder())
  const client = openBrowser(identity)
  const signIn = await client.open(authorizationRequest().url)
  const refused = await client.submit(actionOf(signIn), { name: 'a'.repeat(61) })
  const style = await client.open(`${issuer}${stylePath}`)
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    isMobile: width < 500,
    // Turns off transitions, so that the switch changes at once.
    reducedMotion: 'reduce',
    ...(forcedColors === undefined ? {} : { forcedColors }),
    ...(colorScheme === undefined ? {} : { colorScheme }),
  })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  let shown = ''
  await context.route('**/*', (route) =>
    route.request().url().endsWith(stylePath)
      ? route.fulfill({ contentType: 'text/css', body: style.text })
      : route.fulfill({ contentType: 'text/html', body: shown }),
  )
  const show = async (html: string) => {
    shown = html
    await page.goto(`${issuer}/interaction/some`)
  }
  return { page, show, signIn: signIn.text, refused: refused.text }
}

async function keep(page: Page, name: string): Promise<void> {
  if (screenshots === undefined) return
  mkdirSync(screenshots, { recursive: true })
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })
}

/** Elements that lie partly outside of the window. */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`[...document.querySelectorAll('main, main *')]
    .filter((element) => {
      const { left, right, width } = element.getBoundingClientRect()
      return width > 0 && (left < 0 || right > document.documentElement.clientWidth + 0.5)
    })
    .map((element) => element.outerHTML.slice(0, 80))`)
}

type Colors = Readonly<Record<'canvas' | 'fieldBorder' | 'buttonBorder' | 'track' | 'knob', string>>

/** The page as a person with forced colours sees it. */
function colorsOf(page: Page): Promise<Colors> {
  return page.evaluate<Colors>(`(() => {
    const style = (selector, pseudo) => getComputedStyle(document.querySelector(selector), pseudo)
    const borderOf = ({ borderTopStyle, borderTopWidth, borderTopColor }) =>
      borderTopStyle === 'solid' && borderTopWidth !== '0px' ? borderTopColor : 'none'
    return {
      canvas: getComputedStyle(document.body).backgroundColor,
      fieldBorder: borderOf(style('input[type=text]')),
      buttonBorder: borderOf(style('.people button')),
      track: style('.track').backgroundColor,
      knob: style('.track', '::before').backgroundColor,
    }
  })()`)
}

test.each([320, 360, 390, 1280])(
  'the sign-in page fits into %d px',
  async (width) => {
    const { page, show, signIn, refused } = await openPages({ width })
    for (const [name, html] of Object.entries({ 'sign-in': signIn, refused })) {
      await show(html)
      await keep(page, `${name}-${width}`)
      expect(await cutOff(page)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    }
  },
  60_000,
)

test('in forced colours fields have a border, and the switch shows whether it is on', async () => {
  const { page, show, signIn } = await openPages({ width: 360, forcedColors: 'active' })
  await show(signIn)
  await keep(page, 'sign-in-forced-on')
  const on = await colorsOf(page)
  for (const border of [on.fieldBorder, on.buttonBorder]) expect(['none', on.canvas]).not.toContain(border)
  await page.getByText('Let me watch the topics').click()
  await keep(page, 'sign-in-forced-off')
  const off = await colorsOf(page)
  expect(off.track).not.toBe(on.track)
  for (const { knob, track } of [on, off]) expect(knob).not.toBe(track)
}, 60_000)
