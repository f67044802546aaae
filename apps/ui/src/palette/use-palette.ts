import { onMounted, onUnmounted, ref } from 'vue'
import { t } from '../i18n/wallet.ts'

/** The way to anywhere by keyboard: ⌘K, and Ctrl K where there is no such key. */
const isMac = /mac|iphone|ipad/i.test(navigator.platform)
/** As `aria-keyshortcuts` names them. */
export const paletteShortcut = isMac ? 'Meta+K' : 'Control+K'

const isOpen = ref(false)

/** As they are written on the keyboard. */
export function paletteKeys(): string {
  return isMac ? '⌘K' : t('titles.goToKeys')
}

/** Opened by the button, or by the keys while {@link usePaletteKeys} listens. */
export function usePalette() {
  return { isOpen }
}

/** Listens to the keys, on every page of somebody signed in. A dialog that is open is not covered by another one. */
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
