import { useCopy } from './use-copy.ts'

/** Shares an address by the system's dialog; without one, copies it, and `isCopied` is true for a while. */
export function useShare() {
  const { isCopied, copy } = useCopy()

  async function share(title: string, url: string): Promise<void> {
    if ('share' in navigator) {
      try {
        await navigator.share({ title, url })
        return
      } catch (error) {
        // The person closed the dialog, so nothing is shared.
        if (error instanceof DOMException && error.name === 'AbortError') return
      }
    }
    await copy(url)
  }

  return { isCopied, copy, share }
}
