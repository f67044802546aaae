import type { Action, ControlState, Disturbance } from '@streampay/domain'
import { onMounted, onUnmounted, ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import { answerOf, ProblemError, problemOf } from '../api/http.ts'
import { type Words, wordsOf } from '../api/problems.ts'
import { now } from '../app/clock.ts'
import { t } from '../i18n/console.ts'

const everyMs = 500
const timeoutMs = 2_500

/** The services as the launcher sees them, asked for twice a second; and the actions on them. */
export function useControl() {
  const state = shallowRef<ControlState | undefined>()
  /** When this state arrived, by the browser's clock. */
  const toldAt = ref(0)
  /** Why the state can't be read now: the gateway that passes it on may be the one that was killed. */
  const trouble = shallowRef<Words | undefined>()
  /** Why the last action was refused. */
  const refusal = shallowRef<Words | undefined>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOpen = false

  async function look() {
    try {
      const response = await http.send('/control/state', {}, timeoutMs)
      const { body } = await answerOf(response)
      if (!response.ok) throw new ProblemError(problemOf(response, body))
      state.value = body as ControlState
      toldAt.value = now()
      trouble.value = undefined
    } catch (error) {
      trouble.value = wordsOf(error)
    }
    if (isOpen) timer = setTimeout(() => void look(), everyMs)
  }

  async function order(path: string, init: RequestInit = { method: 'POST' }) {
    refusal.value = undefined
    try {
      const response = await http.send(path, init, timeoutMs)
      const { body } = await answerOf(response)
      if (!response.ok) throw new ProblemError(problemOf(response, body))
    } catch (error) {
      // No answer: the action may have been to kill the gateway that would bring the answer.
      if (!(error instanceof ProblemError)) return
      const isConflict = error.problem.status === 409
      refusal.value = isConflict
        ? { title: t('breaking.notPossible'), detail: error.problem.detail ?? '' }
        : wordsOf(error)
    }
  }

  const act = (service: string, action: Action) => order(`/control/services/${encodeURIComponent(service)}/${action}`)
  const disturb = (what: Disturbance) => order(`/control/log/${what}`)
  const setSpeed = (speed: number) =>
    order('/control/simulation', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ speed }),
    })

  onMounted(() => {
    isOpen = true
    void look()
  })
  onUnmounted(() => {
    isOpen = false
    clearTimeout(timer)
  })

  return { state, toldAt, trouble, refusal, act, disturb, setSpeed }
}
