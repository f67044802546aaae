/** Checks of every page, light and dark: no violation of WCAG AA, and no wider than the screen. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { pageFaults } from '../../../apps/ui/test/support/page-faults.ts'

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

export type Look = 'light' | 'dark'

/**
 * Inspects the page in its present state, in each of these looks; keeps pictures of it, light and dark, in the folder of the environment
 * variable SCREENSHOTS, if that is set.
 * @returns the faults, in words
 */
export async function inspect(page: Page, name: string, looks: readonly Look[]): Promise<readonly string[]> {
  const found: string[] = []
  const folder = process.env.SCREENSHOTS ?? ''
  for (const look of folder === '' ? looks : (['light', 'dark'] as const)) {
    await page.emulateMedia({ colorScheme: look, reducedMotion: 'reduce' })
    await stillness(page, look)
    if (folder !== '') await takePicture(page, join(folder, `${name}-${look}.png`))
    if (looks.includes(look)) found.push(...(await pageFaults(page, tags)).map((fault) => `${name}, ${look}: ${fault}`))
  }
  await page.emulateMedia({ colorScheme: 'light' })
  return found
}

/**
 * The page changes its look with the next frames and fades into it; axe would measure colours in between. Live rows may keep moving: they
 * are awaited a few times at most.
 */
async function stillness(page: Page, look: Look): Promise<void> {
  await page.evaluate(`(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    const isThere = () =>
      matchMedia('(prefers-color-scheme: ${look})').matches &&
      /^normal$|${look}/.test(getComputedStyle(document.documentElement).colorScheme)
    for (let frames = 0; frames < 300 && !isThere(); frames += 1) await frame()
    if (!isThere()) throw new Error('the page does not take up the ${look} look')
    await frame()
    for (let round = 0; round < 5; round += 1) {
      await frame()
      const moving = document.getAnimations().filter(
        ({ playState, effect }) => playState === 'running' && Number.isFinite(effect.getComputedTiming().endTime),
      )
      if (moving.length === 0) return
      await Promise.all(moving.map(({ finished }) => finished.catch(() => {})))
    }
  })()`)
}

async function takePicture(page: Page, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await page.screenshot({ path })
}
