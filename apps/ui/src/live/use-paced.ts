import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue'

export type PacedOptions<Item> = {
  readonly source: Readonly<Ref<readonly Item[]>>
  readonly keyOf: (item: Item) => string
  /** At most one change in this time. */
  readonly everyMs: number
  /** While true nothing changes; what arrives is counted. */
  readonly isHeld: Readonly<Ref<boolean>>
}

/**
 * A list that changes often, at a pace that can be read: the first change at once, then one for all that came meanwhile. An
 * empty list has nothing to be read and is filled at once.
 */
export function usePaced<Item>({ source, keyOf, everyMs, isHeld }: PacedOptions<Item>) {
  const shown = shallowRef<readonly Item[]>(source.value)
  /** How many of those shown came with the last change. */
  const arrived = ref(0)
  const isResting = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined

  const shownKeys = computed(() => new Set(shown.value.map(keyOf)))
  const waiting = computed(() => source.value.filter((item) => !shownKeys.value.has(keyOf(item))).length)

  function update() {
    if (source.value === shown.value) return
    const mayWait = shown.value.length > 0
    if (mayWait && (isHeld.value || isResting.value)) return
    arrived.value = waiting.value
    shown.value = source.value
    isResting.value = true
    clearTimeout(timer)
    timer = setTimeout(() => {
      isResting.value = false
    }, everyMs)
  }
  watch([source, isHeld, isResting], update, { flush: 'sync' })
  onScopeDispose(() => clearTimeout(timer))

  return { shown, arrived, waiting }
}
