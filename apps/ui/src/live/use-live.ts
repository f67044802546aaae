import { onMounted, onUnmounted } from 'vue'

/** Keeps live views open for as long as the component is on the page. */
export function useLive(...views: readonly { open: () => void; close: () => void }[]): void {
  onMounted(() => {
    for (const view of views) view.open()
  })
  onUnmounted(() => {
    for (const view of views) view.close()
  })
}
