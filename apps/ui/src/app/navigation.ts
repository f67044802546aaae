import type { Router } from 'vue-router'

let target: string | undefined

/** From now on, {@link isLeaving} knows whether the person is on the way to another page. */
export function watchNavigation(router: Router): void {
  router.beforeEach((to) => {
    target = to.fullPath
  })
  router.afterEach((to) => {
    if (to.fullPath === target) target = undefined
  })
  router.onError(() => {
    target = undefined
  })
}

/**
 * True while the code of the next page is loaded: an automatic navigation of the page must not call the person back.
 */
export function isLeaving(): boolean {
  return target !== undefined
}
