/**
 * `npm run screenshots [-- --folder <folder>] [--clone <folder>] [--pages home,send]`: takes pictures of pages of the real application at
 * the width of a phone, a tablet and a desktop, by default of all pages, into docs/images/pages. With `--clone` it uses the application of
 * another clone of this repository, in which `npm start` has run once: an earlier version, to compare both side by side. That version must
 * have the named pages.
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { openDemo } from '../e2e/support/demo.ts'
import { Friend } from '../e2e/support/friend.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({
  options: { folder: { type: 'string' }, clone: { type: 'string' }, pages: { type: 'string' } },
})
const folder = resolve(values.folder ?? `${root}/docs/images/pages`)
const clone = values.clone === undefined ? undefined : resolve(values.clone)
const wanted = values.pages?.split(',')
const widths = [390, 768, 1280]
const height = 860

type Shot = {
  readonly name: string
  readonly path: string
  readonly title: string | RegExp
  readonly there?: (page: Page) => Promise<unknown>
}

const demo = await openDemo({ clone })
try {
  mkdirSync(folder, { recursive: true })
  const friend = new Friend(demo.bank, { id: 'grace', name: 'Grace Hopper' })
  await friend.register()
  for (const width of widths) await shoot(width, friend)
} finally {
  await demo.close()
}

async function shoot(width: number, friend: Friend): Promise<void> {
  const visit = await demo.visit({ width, height })
  const { page, context } = visit
  await page.goto(demo.app.origin)
  await visit.heading(/^Pay people/).waitFor()
  await keep(page, 'landing', width)
  await visit.signIn(async () => {
    await page.getByRole('heading', { name: 'Sign in to StreamPay' }).waitFor()
    await keep(page, 'sign-in', width)
    await page.getByRole('button', { name: /^Ada Lovelace/ }).click()
  })
  await visit.heading(/^Hi/).waitFor()
  // An earlier version offers no tour.
  const tour = page.getByRole('button', { name: 'Not now' })
  if (clone === undefined || (await tour.count()) > 0) await tour.click()
  const requestId = await friend.ask('ada', 1_250, 'Half of the dinner')
  const transferId = await friend.pay('ada', 750, 'Coffee')
  const shots = shotsOf({ requestId, transferId }).filter(({ name }) => wanted?.includes(name) ?? true)
  for (const { name, path, title, there } of shots) {
    await visit.open(path, title)
    await there?.(page)
    await keep(page, name, width)
  }
  await context.close()
}

function shotsOf({ requestId, transferId }: { readonly requestId: string; readonly transferId: string }): Shot[] {
  const text = (words: string | RegExp) => (page: Page) => page.getByRole('main').getByText(words).first().waitFor()
  return [
    {
      name: 'home',
      path: '/home',
      title: /^Hi/,
      there: (page) => page.getByRole('list', { name: /^Activity/ }).waitFor(),
    },
    { name: 'send', path: '/send', title: 'Pay or request', there: text('@') },
    {
      name: 'check',
      path: '/send?to=grace&amount=3',
      title: 'Pay or request',
      there: (page) => page.getByRole('button', { name: 'Continue' }).click(),
    },
    { name: 'payment', path: `/payments/${transferId}`, title: 'Payment', there: text('paid you') },
    {
      name: 'travel',
      path: `/travel/${transferId}`,
      title: 'See it travel',
      there: (page) => page.getByRole('list', { name: 'Step by step' }).getByText('Live views').waitFor(),
    },
    { name: 'requests', path: '/requests', title: 'Requests', there: text('Half of the dinner') },
    { name: 'request', path: `/requests/${requestId}`, title: 'Request', there: text('asked you for') },
    {
      name: 'statement',
      path: '/statement',
      title: 'Statement',
      there: (page) => page.getByRole('img', { name: /^Line chart/ }).waitFor(),
    },
    { name: 'profile', path: '/profile', title: 'Profile', there: (page) => page.getByLabel('Username').waitFor() },
    { name: 'topics', path: '/topics', title: 'Topics', there: text('commands') },
    {
      name: 'topic',
      path: '/topics/transactions',
      title: 'transactions',
      there: (page) => page.getByLabel('Start from').selectOption('beginning'),
    },
    {
      name: 'trace',
      path: `/trace/${transferId}`,
      title: 'Follow an id',
      there: (page) => page.getByRole('region', { name: /^Records/ }).waitFor(),
    },
    { name: 'break', path: '/break', title: 'Break it', there: text('They balance.') },
  ]
}

/** Converted to a format of a third of the PNG's size. */
async function keep(page: Page, name: string, width: number): Promise<void> {
  const file = join(folder, `${name}-${width}.webp`)
  await sharp(await page.screenshot({ type: 'png' }))
    .webp({ quality: 80 })
    .toFile(file)
  console.log(file)
}
