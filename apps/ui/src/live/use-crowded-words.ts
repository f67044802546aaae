import { computed, ref, watch } from 'vue'
import { now } from '../app/clock.ts'
import { secondOfDay } from '../app/times.ts'
import { t } from '../i18n/wallet.ts'
import { crowdedForMs } from './connection.ts'

/**
 * Words for "too many pages are open at once", and when this page connects again; undefined if that isn't why nothing is live. The words
 * don't change while they are shown: screen readers read them out, and would read out a count of seconds each second.
 */
export function useCrowdedWords() {
  const goesOnAt = ref(0)
  watch(
    crowdedForMs,
    (ms) => {
      goesOnAt.value = now() + (ms ?? 0)
    },
    { immediate: true },
  )
  return computed(() => {
    if (crowdedForMs.value === undefined) return undefined
    return t('live.crowded', { time: secondOfDay(goesOnAt.value) })
  })
}
