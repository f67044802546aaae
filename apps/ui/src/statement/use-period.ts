import { monthOf } from '@streampay/domain'
import { computed, ref, watchEffect } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { now } from '../app/clock.ts'
import { useStatements } from '../stores/statements.ts'
import { type Period, periodAsked } from './period.ts'

/**
 * The period of the page: the one in its address, or the newest month with movements. The latter is chosen once, so that a new month which
 * begins meanwhile does not replace what a person reads.
 */
export function usePeriod() {
  const route = useRoute()
  const router = useRouter()
  const statements = useStatements()
  const newest = ref<string | undefined>()

  watchEffect(() => {
    if (newest.value !== undefined) return
    const [first] = statements.months
    if (first !== undefined) newest.value = first.month
    else if (statements.view.isSettled.value || statements.view.trouble.value !== undefined)
      newest.value = monthOf(now())
  })
  // Two periods with the same months are equal: nothing is read again.
  const key = computed(() => {
    const asked = periodAsked(route.query)
    if (asked !== undefined) return `${asked.from} ${asked.to}`
    return newest.value === undefined ? undefined : `${newest.value} ${newest.value}`
  })
  const period = computed<Period | undefined>(() => {
    const [from, to] = key.value?.split(' ') ?? []
    return from === undefined || to === undefined ? undefined : { from, to }
  })

  function choose({ from, to }: Period) {
    void router.push({ query: { ...route.query, from, to } })
  }

  return { period, choose }
}
