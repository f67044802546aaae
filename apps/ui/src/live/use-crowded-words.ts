import { computed, ref, watch } from 'vue'
import { now } from '../app/clock.ts'
import { secondOfDay } from '../app/times.ts'
import { t } from '../i18n/wallet.ts'
import { crowdedForMs } from './connection.ts'

/**
 * Why nothing is live when too many pages are open at once, and when this one goes on; undefined if that isn't why. The words
 * stand still: they are read out, and a count of seconds would be read out each second.
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
