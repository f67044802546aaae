import { computed, ref, shallowRef } from 'vue'
import { commands, intents } from '../api/client.ts'
import type { CommandResult } from '../api/commands.ts'
import type { Intent, IntentKind } from '../api/intents.ts'
import { stillUnknownWords, unknownOutcomeWords, type Words, wordsFor } from '../api/problems.ts'
import { identity } from '../session/session.ts'
import { useUnsettled } from '../stores/unsettled.ts'
import { usePause } from './pause.ts'

/**
 * One command on its way, for a page: locked while in flight; its key is kept while the outcome is unknown.
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

function wordsForResult(result: Exclude<CommandResult<unknown>, { kind: 'done' }>, mayBeTaken: boolean): Words {
  if (result.kind === 'unknown') return unknownOutcomeWords()
  return result.kind === 'notNow' && mayBeTaken ? stillUnknownWords(result.problem) : wordsFor(result.problem)
}

export function useSending<Reply>() {
  const state = ref<SendingState>('idle')
  const words = shallowRef<Words | undefined>()
  const reply = shallowRef<Reply | undefined>()
  /** Whether the answer is that of an earlier request: then nothing happened now. */
  const isReplayed = ref(false)
  const isLocked = computed(() => state.value === 'sending')
  const pause = usePause()
  const intent = shallowRef<Intent | undefined>()

  /** Sends the command; does nothing while another one is in flight. @returns whether it is done */
  async function send(wanted: Wanted): Promise<boolean> {
    const id = identity.value?.id
    if (isLocked.value || id === undefined) return false
    return run(intents.begin({ ...wanted, identity: id, before: useUnsettled().before(wanted) }))
  }

  /** Sends an intent again, with its key: by default the one that was sent last. */
  async function again(earlier = intent.value): Promise<boolean> {
    return earlier === undefined || isLocked.value ? false : run(earlier)
  }

  async function run(current: Intent): Promise<boolean> {
    intent.value = current
    state.value = 'sending'
    words.value = undefined
    const result: CommandResult<Reply> = await commands.send<Reply>(current)
    state.value = result.kind
    if (result.kind === 'done') {
      reply.value = result.reply
      isReplayed.value = result.replayed
    } else words.value = wordsForResult(result, intents.latest(current).state === 'unknown')
    if (result.kind === 'notNow') pause.begin(result.retryAfterMs)
    return result.kind === 'done'
  }

  /** Its effect was seen on the ledger, though no answer came. */
  function takeEffect(seen: Reply) {
    state.value = 'done'
    words.value = undefined
    reply.value = seen
    isReplayed.value = true
  }

  function reset() {
    if (isLocked.value) return
    state.value = 'idle'
    words.value = undefined
    reply.value = undefined
    isReplayed.value = false
    intent.value = undefined
    pause.end()
  }

  return { state, words, reply, isReplayed, isLocked, intent, pauseWords: pause.words, send, again, takeEffect, reset }
}
