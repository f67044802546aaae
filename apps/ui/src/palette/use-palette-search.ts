import { onUnmounted, ref, shallowRef, watch } from 'vue'
import { http } from '../api/client.ts'
import type { Topic, User } from '../api/types.ts'
import { allows } from '../session/session.ts'
import { usePeople } from '../stores/people.ts'

const typingPauseMs = 160
const mostPeople = 6

/** People whom the text finds, and the topics if the person may see them. A fault of one is reported, and the rest is shown. */
export function usePaletteSearch(text: () => string) {
  const people = usePeople()
  const found = shallowRef<readonly User[]>(people.recent.slice(0, mostPeople))
  const topics = shallowRef<readonly string[]>([])
  const isSearching = ref(false)
  const hasFailed = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let search: AbortController | undefined

  async function find(wanted: string): Promise<void> {
    search?.abort()
    const current = new AbortController()
    search = current
    hasFailed.value = false
    try {
      const { users } = await people.search(wanted, current.signal)
      if (!current.signal.aborted) found.value = users.slice(0, mostPeople)
    } catch {
      if (current.signal.aborted) return
      hasFailed.value = true
      found.value = []
    }
    isSearching.value = false
  }

  async function loadTopics(): Promise<void> {
    try {
      topics.value = (await http.getJson<readonly Topic[]>('/console/topics')).map(({ name }) => name)
    } catch {
      hasFailed.value = true
    }
  }

  watch(text, (typed, before) => {
    clearTimeout(timer)
    const wanted = typed.trim()
    // The people of the last payments are no answer to a typed text.
    if (before.trim() === '') found.value = []
    isSearching.value = wanted !== ''
    if (wanted === '') {
      search?.abort()
      found.value = people.recent.slice(0, mostPeople)
    } else timer = setTimeout(() => void find(wanted), typingPauseMs)
  })
  if (allows('read:console')) void loadTopics()
  onUnmounted(() => {
    clearTimeout(timer)
    search?.abort()
  })

  return { found, topics, isSearching, hasFailed }
}
