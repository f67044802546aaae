import { computed, ref, shallowRef, watch } from 'vue'
import { http } from '../api/client.ts'
import { type Words, wordsOf } from '../api/problems.ts'
import type { LetterReturn } from '../api/types.ts'
import { t } from '../i18n/console.ts'

/**
 * Puts the record of a dead letter back to its topic.
 *
 *     judging ──► allowed ──► asked ──► sending ──► done
 *        └──────► refused       └──► allowed (left as it is)
 */
export type ReturnState = 'judging' | 'allowed' | 'refused' | 'asked' | 'sending' | 'done' | 'failed'

/** @param id partition/offset of the opened letter; undefined for none */
export function useLetterReturn(id: () => string | undefined) {
  const state = ref<ReturnState>('judging')
  const refusal = ref('')
  const outcome = shallowRef<LetterReturn | undefined>()
  const fault = shallowRef<Words | undefined>()

  async function judge(): Promise<void> {
    const asked = id()
    state.value = 'judging'
    outcome.value = undefined
    fault.value = undefined
    if (asked === undefined) return
    try {
      const answer = await http.getJson<{ readonly refusal: string | null }>(`/console/dead-letters/${asked}`)
      if (id() !== asked) return
      refusal.value = answer.refusal ?? ''
      state.value = answer.refusal === null ? 'allowed' : 'refused'
    } catch (error) {
      if (id() === asked) fail(error)
    }
  }

  async function putBack(): Promise<void> {
    const asked = id()
    if (asked === undefined || state.value !== 'asked') return
    state.value = 'sending'
    try {
      const answer = await http.getJson<LetterReturn>(`/console/dead-letters/${asked}/replay`, { method: 'POST' })
      if (id() !== asked) return
      outcome.value = answer
      state.value = 'done'
    } catch (error) {
      if (id() === asked) fail(error)
    }
  }

  function fail(error: unknown) {
    fault.value = wordsOf(error)
    state.value = 'failed'
  }

  const outcomeWords = computed(() => (outcome.value === undefined ? '' : wordsOfReturn(outcome.value)))
  watch(id, () => void judge(), { immediate: true })

  return { state, refusal, fault, outcomeWords, judge, putBack }
}

export function wordsOfReturn(outcome: LetterReturn): string {
  switch (outcome.kind) {
    case 'refused':
      return t('letters.notWritten', { reason: outcome.refusal })
    case 'failed':
      return t('letters.notConfirmed', { fault: outcome.fault })
    case 'written': {
      const { place, answer } = outcome
      if (answer === undefined) return t('letters.notAnswered', { place })
      const { detail } = answer
      const status = String(answer.status)
      if (detail === undefined) return t('letters.answered', { place, status })
      return t('letters.answeredWithDetail', { place, status, detail })
    }
  }
}
