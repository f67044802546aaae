/** What every page must be in both looks: without a violation of WCAG AA, and no wider than the screen. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
const looks = ['light', 'dark'] as const

/**
 * Looks at the page as it stands, in light and dark; keeps pictures of it in the folder that the environment variable
 * SCREENSHOTS names, if it does.
 * @returns what is wrong, in words
 */
export async function inspect(page: Page, name: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look, reducedMotion: 'reduce' })
    await stillness(page)
    await takePicture(page, `${name}-${look}`)
    const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze()
    for (const { id, nodes } of violations) {
      found.push(`${name}, ${look}: ${id} at ${nodes.map(({ html }) => html).join(' ')}`)
    }
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    if (overflow > 0) found.push(`${name}, ${look}: ${overflow} px wider than the screen`)
  }
  await page.emulateMedia({ colorScheme: 'light' })
  return found
}

/** Colours fade from one look to the other, and axe would measure what lies between. */
async function stillness(page: Page): Promise<void> {
  await page.evaluate(`Promise.all(
    document.getAnimations()
      .filter((animation) => Number.isFinite(animation.effect.getComputedTiming().endTime))
      .map((animation) => animation.finished.catch(() => {})),
  ).then(() => {})`)
}

async function takePicture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (folder === undefined || folder === '') return
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`) })
}
