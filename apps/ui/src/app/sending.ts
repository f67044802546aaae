import { computed, ref, shallowRef } from 'vue'
import { commands, intents } from '../api/client.ts'
import type { Outcome } from '../api/commands.ts'
import type { Intent, IntentKind } from '../api/intents.ts'
import { unknownOutcomeWords, type Words, wordsFor } from '../api/problems.ts'
import { identity } from '../session/session.ts'

/**
 * One command on its way, for a page: locked while in flight, its key kept while the outcome is unknown.
 *
 *     idle ──► sending ──► done
 *       ▲         ├──────► refused   (start over with something else)
 *       │         ├──────► notNow ──► sending (same key)
 *       │         └──────► unknown ─► sending (same key)
 *       └── reset
 */
export type SendingState = 'idle' | 'sending' | 'done' | 'refused' | 'notNow' | 'unknown'

export type Wanted = {
  readonly kind: IntentKind
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  readonly label: string
}

export function useSending<Reply>() {
  const state = ref<SendingState>('idle')
  const words = shallowRef<Words | undefined>()
  const reply = shallowRef<Reply | undefined>()
  const isLocked = computed(() => state.value === 'sending')
  let intent: Intent | undefined

  /** Sends what is wanted; does nothing while something is in flight. @returns whether it is done */
  async function send(wanted: Wanted): Promise<boolean> {
    const id = identity.value?.id
    if (isLocked.value || id === undefined) return false
    // Asked for again after an unknown outcome, this is the same intent with the same key.
    intent = intents.begin({ ...wanted, identity: id })
    return run(intent)
  }

  /** Sends the same intent again, with its key. */
  async function again(): Promise<boolean> {
    return intent === undefined || isLocked.value ? false : run(intent)
  }

  async function run(current: Intent): Promise<boolean> {
    state.value = 'sending'
    words.value = undefined
    const outcome: Outcome<Reply> = await commands.send<Reply>(current)
    state.value = outcome.kind
    if (outcome.kind === 'done') reply.value = outcome.reply
    else words.value = outcome.kind === 'unknown' ? unknownOutcomeWords : wordsFor(outcome.problem)
    return outcome.kind === 'done'
  }

  function reset() {
    if (isLocked.value) return
    state.value = 'idle'
    words.value = undefined
    reply.value = undefined
    intent = undefined
  }

  return { state, words, reply, isLocked, send, again, reset }
}
