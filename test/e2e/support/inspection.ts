/** Checks of every page: no violation of WCAG AA, and no wider than the screen. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { changeLook, type Look } from '../../../apps/ui/test/support/looks.ts'
import { pageFaults } from '../../../apps/ui/test/support/page-faults.ts'

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/**
 * Inspects the page in its present state, in this look; keeps pictures of it, light and dark, in the folder of the environment variable
 * SCREENSHOTS, if that is set.
 * @returns the faults, in words
 */
export async function inspect(page: Page, name: string, look: Look): Promise<readonly string[]> {
  const folder = process.env.SCREENSHOTS ?? ''
  const other: Look = look === 'light' ? 'dark' : 'light'
  for (const shown of folder === '' ? [look] : [other, look]) {
    await changeLook(page, shown)
    if (folder !== '') await takePicture(page, join(folder, `${name}-${shown}.png`))
  }
  return (await pageFaults(page, tags)).map((fault) => `${name}, ${look}: ${fault}`)
}

async function takePicture(page: Page, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await page.screenshot({ path })
}
