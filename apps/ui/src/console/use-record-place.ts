import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { placeOf, queryOf, type RecordPlace } from './record-place.ts'

/** The place on a topic, kept in the address: going back, forward and reloading keep it, and it can be passed on. */
export function useRecordPlace() {
  const route = useRoute()
  const router = useRouter()
  const place = computed(() => placeOf(route.query))

  function addressOf(next: RecordPlace) {
    const { tab } = route.query
    return { query: { ...(tab === undefined ? {} : { tab }), ...queryOf(next) } }
  }

  /** With `replace`, going back does not lead to the place before: for a text that is still being typed. */
  async function go(change: Partial<RecordPlace>, how: 'push' | 'replace' = 'push'): Promise<void> {
    await router[how](addressOf({ ...place.value, ...change }))
  }

  /** Closes the open record: by going back, if the person came from the list. */
  async function close(): Promise<void> {
    const next = addressOf({ ...place.value, record: undefined })
    if (history.state?.back === router.resolve(next).fullPath) router.back()
    else await router.replace(next)
  }

  return { place, go, close }
}
