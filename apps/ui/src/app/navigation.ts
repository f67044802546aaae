import type { Router } from 'vue-router'

let target: string | undefined

/** From now on it is known whether the person is on the way to another page. */
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

/** While the code of the next page is loaded: what a page does by itself must not call the person back. */
export function isLeaving(): boolean {
  return target !== undefined
}
