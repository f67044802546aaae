import { onMounted, onUnmounted, shallowRef, watch } from 'vue'
import { http } from '../api/client.ts'
import { type Words, wordsOf } from '../api/problems.ts'

const usuallyMs = 3_000

/** Data of the gateway, requested every few seconds while the page is visible, and at once for another path. */
export function usePolled<Value>(path: () => string, everyMs = usuallyMs) {
  const value = shallowRef<Value | undefined>()
  const fault = shallowRef<Words | undefined>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isGone = false

  async function load() {
    clearTimeout(timer)
    const asked = path()
    try {
      if (!document.hidden || value.value === undefined) {
        const answer = await http.getJson<Value>(asked)
        if (asked === path()) value.value = answer
      }
      fault.value = undefined
    } catch (error) {
      fault.value = wordsOf(error)
    }
    clearTimeout(timer)
    if (!isGone) timer = setTimeout(() => void load(), everyMs)
  }

  watch(path, () => {
    value.value = undefined
    void load()
  })
  onMounted(() => void load())
  onUnmounted(() => {
    isGone = true
    clearTimeout(timer)
  })
  return { value, fault, load }
}
