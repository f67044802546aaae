import { onBeforeUnmount, onMounted, type Ref, ref } from 'vue'

/** An element counts as near up to this far beyond the window, so that its content exists before it is scrolled to. */
const margin = '1200px 0px'

/** Changes to make, in order: one in each frame, since many at once would block the page. */
const waiting = new Map<Element, () => void>()
let isPacing = false

function pace() {
  isPacing = true
  requestAnimationFrame(() => {
    const [next] = waiting
    if (next !== undefined) {
      waiting.delete(next[0])
      next[1]()
    }
    if (waiting.size > 0) pace()
    else isPacing = false
  })
}

/**
 * Whether an element is near the visible part of the page: only then its content has to exist.
 * @param startsNear the value until it is known
 */
export function useNearView(element: Readonly<Ref<HTMLElement | null>>, startsNear: boolean): Readonly<Ref<boolean>> {
  const isNear = ref(startsNear)
  let observer: IntersectionObserver | undefined

  onMounted(() => {
    const target = element.value
    if (target === null) return
    observer = new IntersectionObserver(
      (entries) => {
        const isSeen = entries.at(-1)?.isIntersecting ?? false
        waiting.delete(target)
        if (isSeen === isNear.value) return
        waiting.set(target, () => {
          isNear.value = isSeen
        })
        if (!isPacing) pace()
      },
      { rootMargin: margin },
    )
    observer.observe(target)
  })
  onBeforeUnmount(() => {
    observer?.disconnect()
    if (element.value !== null) waiting.delete(element.value)
  })

  return isNear
}
