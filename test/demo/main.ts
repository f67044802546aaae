/**
 * `npm run demo [-- <file>]`: records twenty seconds of the real application in a real browser as an animated picture. Money moves,
 * services are killed, and the books balance. The default file is docs/images/demo.webp, which the README shows.
 */
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { openDemo } from '../e2e/support/demo.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const file = resolve(process.argv[2] ?? `${root}/docs/images/demo.webp`)
const viewport = { width: 1180, height: 1250 }
/** The size of the picture. */
const width = 820
const frameMs = 250
const seconds = 20

type Scene = { readonly at: number; readonly words: string; readonly act: (page: Page) => Promise<unknown> }

const press = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true }).click()

/** What happens when, in seconds from the first frame. */
const scenes: readonly Scene[] = [
  { at: 2.5, words: 'the break page', act: (page) => page.getByRole('link', { name: 'Break it' }).click() },
  { at: 4.5, words: 'payments are killed', act: press('Kill Payments') },
  { at: 8, words: 'the log is killed', act: press('Kill Log') },
  { at: 11.5, words: 'all connections are cut', act: press('Cut all connections to the log') },
  { at: 13.5, words: 'the gateway is killed', act: press('Kill Gateway') },
]

/** Takes a picture at each beat, while the scenes are played. */
async function record(page: Page): Promise<Buffer[]> {
  const frames: Buffer[] = []
  const startedAt = performance.now()
  const left = [...scenes]
  while (performance.now() - startedAt < seconds * 1_000) {
    const [next] = left
    if (next !== undefined && performance.now() - startedAt >= next.at * 1_000) {
      console.log(`${next.at} s: ${next.words}`)
      left.shift()
      await next.act(page)
    }
    frames.push(await page.screenshot({ type: 'png', animations: 'allow' }))
    const due = startedAt + frames.length * frameMs
    await delay(Math.max(0, due - performance.now()))
  }
  return frames
}

async function writePicture(frames: readonly Buffer[]): Promise<void> {
  const small = await Promise.all(frames.map((frame) => sharp(frame).resize({ width }).png().toBuffer()))
  const { size } = await sharp(small, { join: { animated: true } })
    .webp({ quality: 55, effort: 5, delay: small.map(() => frameMs), loop: 0 })
    .toFile(file)
  console.log(`${file}: ${frames.length} frames, ${Math.round(size / 1_000)} kB`)
}

const demo = await openDemo({ args: ['--speed', '20'] })
try {
  const { page, signIn, open, context, answers } = await demo.visit(viewport)
  // A page that kills the gateway causes refusals in itself.
  answers.mayFail = true
  await signIn(async () => {
    await page.getByRole('button', { name: /^Ada Lovelace/ }).click()
  })
  await page.getByRole('button', { name: 'Not now' }).click()
  await open('/break', 'Break it')
  await page.getByText('They balance.').waitFor()
  await page.getByRole('link', { name: 'Home', exact: true }).first().click()
  await page.getByRole('list', { name: /^Activity/ }).waitFor()
  const frames = await record(page)
  await context.close()
  await writePicture(frames)
} finally {
  await demo.close()
}
