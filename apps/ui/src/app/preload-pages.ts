import type { Router } from 'vue-router'

const quietMs = 2_000

/**
 * Brings the code of all pages once the first is there and the browser has time: a page that was never opened before can be
 * opened offline too, and says then what it lacks.
 */
export function preloadPages(router: Router): void {
  const whenQuiet = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, quietMs))
  whenQuiet(() => {
    for (const { components } of router.getRoutes()) {
      const page = components?.default
      // What can't be had now is asked for again when its page is opened.
      if (typeof page === 'function') void (page as () => Promise<unknown>)().catch(() => {})
    }
  })
}
