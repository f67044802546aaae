import { onUnmounted, ref } from 'vue'

const shownMs = 2_000

/** Copies texts to the clipboard; `isCopied` is true for a while after a copy. */
export function useCopy() {
  const isCopied = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  onUnmounted(() => clearTimeout(timer))

  /** @throws DOMException if the browser does not allow it */
  async function copy(text: string): Promise<void> {
    await navigator.clipboard.writeText(text)
    isCopied.value = true
    clearTimeout(timer)
    timer = setTimeout(() => {
      isCopied.value = false
    }, shownMs)
  }

  return { isCopied, copy }
}
