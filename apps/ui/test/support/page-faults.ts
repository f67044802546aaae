import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'

/**
 * The faults of a page in its present state, in words: violations of the rules of axe with one of these tags, and a width beyond the
 * screen. The wallet has no frames, for which axe would open a second page each time, and only violations are reported in full: both
 * together save three quarters of the time.
 */
export async function pageFaults(page: Page, tags: readonly string[]): Promise<readonly string[]> {
  const builder = new AxeBuilder({ page })
    .options({ resultTypes: ['violations'] })
    .withTags([...tags])
    .setLegacyMode()
  const { violations } = await builder.analyze()
  const overflow = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  return [
    ...violations.map(({ id, nodes }) => `${id} at ${nodes.map(({ html }) => html).join(' ')}`),
    ...(overflow > 0 ? [`${overflow} px wider than the screen`] : []),
  ]
}
