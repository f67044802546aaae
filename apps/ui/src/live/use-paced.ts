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
  /** The keys of those that came with the last change; none of what an empty list was filled with. */
  const arrived = shallowRef<ReadonlySet<string>>(new Set())
  const isResting = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined

  const shownKeys = computed(() => new Set(shown.value.map(keyOf)))
  const unseen = computed(() => source.value.map(keyOf).filter((key) => !shownKeys.value.has(key)))
  const waiting = computed(() => unseen.value.length)

  function update() {
    if (source.value === shown.value) return
    const mayWait = shown.value.length > 0
    if (mayWait && (isHeld.value || isResting.value)) return
    arrived.value = new Set(shown.value.length > 0 ? unseen.value : [])
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
