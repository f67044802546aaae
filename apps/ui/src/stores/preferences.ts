import { defineStore } from 'pinia'
import { computed, markRaw, watch } from 'vue'
import { http } from '../api/client.ts'
import type { Preferences, Visibility } from '../api/types.ts'
import { createLiveView } from '../live/live-view.ts'

const path = '/current-preferences'

/** The visibility that my new payments and requests begin with, live: another tab may change it. Only I can read it. */
export const usePreferences = defineStore('preferences', () => {
  const view = markRaw(
    createLiveView<Preferences>({
      url: path,
      scope: 'read:users',
      key: ['id'],
      compare: () => 0,
      maxItems: 1,
    }),
  )
  /** Undefined until it is known; without a choice it is public. */
  const visibility = computed(() => view.items.value[0]?.visibility ?? (view.isSettled.value ? 'public' : undefined))

  /**
   * Resolves with the visibility that a form begins with: while it can't be known, the private one, which tells others
   * least.
   */
  function known(): Promise<Visibility> {
    return new Promise((resolve) => {
      const check = () => visibility.value ?? (view.trouble.value === undefined ? undefined : 'private')
      const stop = watch(check, tell)
      tell(check())
      function tell(found: Visibility | undefined) {
        if (found === undefined) return
        stop()
        resolve(found)
      }
    })
  }

  /** @throws ProblemError, UnreachableError */
  async function save(wanted: Visibility): Promise<void> {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ visibility: wanted })
    view.add([await http.getJson<Preferences>(path, { method: 'PUT', headers, body })])
  }

  return { view, visibility, known, save }
})
