import type { Scope } from '@streampay/domain'
import { markRaw } from 'vue'
import { createLiveView } from '../live/live-view.ts'

/** A list of people that the ledger keeps for me. */
type Listed = { readonly id: string; readonly at: number }

/** The whole list, live, the last added person first. @param most as many as the ledger allows on it */
export function createListView<T extends Listed>({ path, scope, most }: { path: string; scope: Scope; most: number }) {
  return markRaw(
    createLiveView<T>({
      url: `${path}?last=${most}`,
      scope,
      key: ['id'],
      compare: (left, right) => right.at - left.at || (left.id < right.id ? 1 : -1),
      maxItems: most,
    }),
  )
}
