import { onMounted, onUnmounted, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import { ProblemError } from '../api/http.ts'
import { unreachableWords, type Words, wordsFor } from '../api/problems.ts'
import type { Topic } from '../api/types.ts'

const everyMs = 3_000

/** The log's topics with their offsets, read again every three seconds while the page is looked at. */
export function useTopics() {
  const topics = shallowRef<readonly Topic[] | undefined>()
  const fault = shallowRef<Words | undefined>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isGone = false

  async function load() {
    clearTimeout(timer)
    try {
      if (!document.hidden || topics.value === undefined)
        topics.value = await http.getJson<readonly Topic[]>('/console/topics')
      fault.value = undefined
    } catch (error) {
      fault.value = error instanceof ProblemError ? wordsFor(error.problem) : unreachableWords
    }
    clearTimeout(timer)
    if (!isGone) timer = setTimeout(() => void load(), everyMs)
  }

  onMounted(() => void load())
  onUnmounted(() => {
    isGone = true
    clearTimeout(timer)
  })
  return { topics, fault, load }
}
