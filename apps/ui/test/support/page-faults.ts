import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'

/**
 * What is wrong with a page as it stands, in words: violations of the rules of axe that have one of these tags, and being wider
 * than the screen. The wallet has no frames, for which axe would open a second page each time; and only violations are told in
 * full: both together take a quarter of the time.
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
