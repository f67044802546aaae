import { computed, onScopeDispose, ref } from 'vue'
import { now } from './clock.ts'
import { durationWords } from './times.ts'

const tickMs = 500

/** A pause that the gateway asked for, with the time that is left of it. */
export function usePause() {
  const endsAt = ref(0)
  const current = ref(0)
  let timer: ReturnType<typeof setInterval> | undefined

  function begin(ms: number) {
    end()
    current.value = now()
    endsAt.value = current.value + ms
    timer = setInterval(() => {
      current.value = now()
      if (current.value >= endsAt.value) end()
    }, tickMs)
  }

  function end() {
    clearInterval(timer)
    endsAt.value = 0
  }
  onScopeDispose(end)

  /** “12 s”, “3 min”; undefined when there is nothing to wait for. */
  const words = computed(() => (endsAt.value > current.value ? durationWords(endsAt.value - current.value) : undefined))

  return { begin, end, words }
}
