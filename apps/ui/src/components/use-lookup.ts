import { ref, shallowRef } from 'vue'
import { ProblemError } from '../api/http.ts'
import { type Words, wordsOf } from '../api/problems.ts'
import { keptReceipt } from './send-draft.ts'

/**
 * What a page shows for an id: its receipt, if I have just made it, and the gateway's answer.
 * @param look undefined, or a problem with status 404: nothing has this id
 */
export function useLookup<T>(look: (id: string) => Promise<T | undefined>) {
  const receipt = shallowRef(keptReceipt())
  const found = shallowRef<T | undefined>()
  const state = ref<'loading' | 'ready' | 'missing' | 'failed'>('loading')
  const words = shallowRef<Words | undefined>()
  let newest = ''

  /** Only answers for the newest id count. Nothing is asked if the page can show it already. */
  async function load(id: string, isAtHand: () => boolean): Promise<void> {
    newest = id
    receipt.value = keptReceipt()
    found.value = undefined
    words.value = undefined
    if (isAtHand()) return
    state.value = 'loading'
    try {
      const heard = await look(id)
      if (id !== newest) return
      found.value = heard
      state.value = heard === undefined ? 'missing' : 'ready'
    } catch (error) {
      if (id !== newest) return
      words.value = wordsOf(error)
      state.value = error instanceof ProblemError && error.problem.status === 404 ? 'missing' : 'failed'
    }
  }

  return { receipt, found, state, words, load }
}
