import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue'

export type PacedOptions<Item> = {
  readonly source: Readonly<Ref<readonly Item[]>>
  readonly keyOf: (item: Item) => string
  /** At least this time between two changes. */
  readonly everyMs: number
  /** While true nothing changes, and arriving items are counted. */
  readonly isHeld: Readonly<Ref<boolean>>
}

/**
 * A list that changes often, slowed down so that it can be read: the first change is shown at once, then one change for all that arrived
 * meanwhile. An empty list is filled at once.
 */
export function usePaced<Item>({ source, keyOf, everyMs, isHeld }: PacedOptions<Item>) {
  const shown = shallowRef<readonly Item[]>(source.value)
  /** The keys of the items that came with the last change; none of those that filled an empty list. */
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
