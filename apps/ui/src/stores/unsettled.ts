import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import { intents, intentsVersion } from '../api/client.ts'
import { type Effect, effectsOf, type Ledger, looksLike } from '../api/effects.ts'
import type { Wanted } from '../api/intents.ts'
import { identity } from '../session/session.ts'
import { useRequests } from './requests.ts'
import { useWallet } from './wallet.ts'

const maxRemembered = 50

/** The intents that were sent and have no answer: settled as soon as their effect is seen on the ledger. */
export const useUnsettled = defineStore('unsettled', () => {
  const wallet = useWallet()
  const requests = useRequests()
  /** Effects by the key of the intent that made them, for the page that waits for one. */
  const effects = shallowRef<ReadonlyMap<string, Effect>>(new Map())

  const open = computed(() => {
    void intentsVersion.value
    return identity.value === undefined ? [] : intents.unsettled(identity.value.id)
  })
  const ledger = computed<Ledger>(() => ({
    entries: wallet.entries,
    sent: requests.sent,
    incoming: requests.received,
  }))

  watch(
    [open, ledger],
    () => {
      const found = effectsOf(open.value, ledger.value, intents.effects())
      if (found.size === 0) return
      const known = new Map(effects.value)
      for (const [intent, effect] of found) known.set(intent.key, effect)
      effects.value = new Map([...known].slice(-maxRemembered))
      for (const [intent, effect] of found) intents.settle(intent, effect.id)
    },
    { immediate: true },
  )

  // The views that show effects stay open while an effect is awaited, on every page.
  const isWaiting = computed(() => open.value.length > 0)
  watch(
    isWaiting,
    (waits, waited) => {
      for (const view of [wallet.entriesView, requests.sentView, requests.receivedView]) {
        if (waits) view.open()
        else if (waited) view.close()
      }
    },
    { immediate: true },
  )

  /** Ids of what exists already and has the same content as the effect of this intent. */
  function before(wanted: Pick<Wanted, 'kind' | 'body'>): readonly string[] {
    return looksLike(wanted, ledger.value)
  }

  return { open, effects, before }
})
