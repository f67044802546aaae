import { onMounted, onUnmounted, ref } from 'vue'
import { t } from '../i18n/wallet.ts'

/** The command palette by keyboard: ⌘K, and Ctrl K where there is no such key. */
const isMac = /mac|iphone|ipad/i.test(navigator.platform)
/** The form for `aria-keyshortcuts`. */
export const paletteShortcut = isMac ? 'Meta+K' : 'Control+K'

const isOpen = ref(false)

/** The form for people to read. */
export function paletteKeys(): string {
  return isMac ? '⌘K' : t('titles.goToKeys')
}

/** Opened by the button, or by the keys while {@link usePaletteKeys} listens. */
export function usePalette() {
  return { isOpen }
}

/** Listens to the keys, on every page of a signed-in person. An open dialog is not covered by another one. */
export function usePaletteKeys(): void {
  function onKey(event: KeyboardEvent) {
    const hasModifier = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
    if (!hasModifier || event.altKey || event.shiftKey || event.key.toLowerCase() !== 'k') return
    event.preventDefault()
    if (isOpen.value) isOpen.value = false
    else if (document.querySelector('[role="dialog"], [role="alertdialog"]') === null) isOpen.value = true
  }
  onMounted(() => window.addEventListener('keydown', onKey))
  onUnmounted(() => window.removeEventListener('keydown', onKey))
}
