import { computed, type Ref, ref } from 'vue'

/** The rows of a long list that are in the DOM: a bounded number, so that no list can freeze the page. */
export type RowWindow<Item> = {
  readonly rows: readonly Item[]
  /** Index of the first row in the list, from 0. */
  readonly start: number
  readonly hasBefore: boolean
  readonly hasAfter: boolean
}

/**
 * @param anchor the key of the row to begin with: rows that arrive on top then don't move what the person reads. Without one, or once it is
 * gone, the list is shown from its top
 */
export function windowOf<Item>(
  list: readonly Item[],
  { anchor, size, keyOf }: { anchor: string | undefined; size: number; keyOf: (item: Item) => string },
): RowWindow<Item> {
  const found = anchor === undefined ? -1 : list.findIndex((item) => keyOf(item) === anchor)
  const start = Math.max(0, found)
  return {
    rows: list.slice(start, start + size),
    start,
    hasBefore: start > 0,
    hasAfter: start + size < list.length,
  }
}

/** Pages through a list by windows. */
export function useRowWindow<Item>(
  list: Readonly<Ref<readonly Item[]>>,
  { size, keyOf }: { readonly size: number; readonly keyOf: (item: Item) => string },
) {
  const anchor = ref<string | undefined>()
  const shown = computed(() => windowOf(list.value, { anchor: anchor.value, size, keyOf }))

  function moveTo(start: number) {
    const first = list.value[start]
    anchor.value = start <= 0 || first === undefined ? undefined : keyOf(first)
  }

  return {
    shown,
    before: () => moveTo(shown.value.start - size),
    after: () => moveTo(shown.value.start + size),
    toTop: () => moveTo(0),
  }
}
