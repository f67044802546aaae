import type { Page } from 'playwright-core'

export type Look = 'light' | 'dark'

/**
 * Changes the colours of a page that is shown. It takes them up with the next frames and fades into them; axe would measure colours in
 * between, so this waits until all is still. Live rows may keep moving: they are awaited a few times at most.
 */
export async function changeLook(page: Page, look: Look): Promise<void> {
  await page.emulateMedia({ colorScheme: look })
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
