import type { Router } from 'vue-router'
import { loadTexts } from '../i18n/load-texts.ts'

const quietMs = 2_000
/** A page or a machine that is never idle loads them after this time nevertheless. */
const latestMs = 5_000

/** Whether the person asked for less data (Network Information API, § 3.5); not every browser has this. */
type Connected = { readonly connection?: { readonly saveData?: boolean } }

/**
 * Loads the code of all pages once the first page is there and the browser is idle: a page that was never opened before can then be opened
 * offline too, and says what data it lacks. Does nothing if data is to be saved.
 */
export function preloadPages(router: Router): void {
  if ((navigator as Connected).connection?.saveData === true) return
  whenQuiet(() => {
    void loadTexts('pages')
    void loadTexts('console')
    for (const { components } of router.getRoutes()) {
      const page = components?.default
      // What can't be loaded now is requested again when its page is opened.
      if (typeof page === 'function') void (page as () => Promise<unknown>)().catch(() => {})
    }
  })
}

/** Runs something once the browser has time for it. */
export function whenQuiet(run: () => void): void {
  if (window.requestIdleCallback === undefined) setTimeout(run, quietMs)
  else window.requestIdleCallback(run, { timeout: latestMs })
}
