import type { Router } from 'vue-router'
import { loadTexts } from '../i18n/load-texts.ts'

const quietMs = 2_000
/** A page, or a machine, that is never quiet gets there in the end. */
const latestMs = 5_000

/** Where the person asked for less data (Network Information API, § 3.5); no browser has to know it. */
type Connected = { readonly connection?: { readonly saveData?: boolean } }

/**
 * Brings the code of all pages once the first is there and the browser has time: a page that was never opened before can be
 * opened offline too, and says then what it lacks. Not where data is to be saved.
 */
export function preloadPages(router: Router): void {
  if ((navigator as Connected).connection?.saveData === true) return
  whenQuiet(() => {
    void loadTexts('pages')
    void loadTexts('console')
    for (const { components } of router.getRoutes()) {
      const page = components?.default
      // What can't be had now is asked for again when its page is opened.
      if (typeof page === 'function') void (page as () => Promise<unknown>)().catch(() => {})
    }
  })
}

/** Runs something once the browser has time for it. */
export function whenQuiet(run: () => void): void {
  if (window.requestIdleCallback === undefined) setTimeout(run, quietMs)
  else window.requestIdleCallback(run, { timeout: latestMs })
}
