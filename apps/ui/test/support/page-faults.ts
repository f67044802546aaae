import axe from 'axe-core'
import type { Page } from 'playwright-core'

/**
 * The faults of a page in its present state, in words: violations of the rules of axe with one of these tags, and a width beyond the
 * screen. Axe is sent to a document once, however often that is inspected: it is 650 KB, and slow until the browser has compiled it. Only
 * violations are reported in full, which saves time, too. The wallet has no frames.
 */
export async function pageFaults(page: Page, tags: readonly string[]): Promise<readonly string[]> {
  if (await page.evaluate<boolean>('globalThis.axe === undefined')) await page.evaluate(axe.source)
  const options: axe.RunOptions = { resultTypes: ['violations'], runOnly: { type: 'tag', values: [...tags] } }
  const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(document, ${JSON.stringify(options)})`)
  const overflow = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  return [
    ...violations.map(({ id, nodes }) => `${id} at ${nodes.map(({ html }) => html).join(' ')}`),
    ...(overflow > 0 ? [`${overflow} px wider than the screen`] : []),
  ]
}
