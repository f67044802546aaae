import { ref, watch } from 'vue'

/** Light, dark, or the system's choice. Kept between visits; applied before the first paint by public/theme.js. */
export type Theme = 'light' | 'dark' | 'system'

const storageKey = 'streampay.theme'
const darkSystem = matchMedia('(prefers-color-scheme: dark)')

export const theme = ref<Theme>(readTheme())
export const isDark = ref(resolve())

darkSystem.addEventListener('change', apply)
watch(theme, (chosen) => {
  try {
    localStorage.setItem(storageKey, chosen)
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  apply()
})

function apply() {
  isDark.value = resolve()
  const { classList } = document.documentElement
  classList.toggle('dark', isDark.value)
  classList.toggle('light', !isDark.value)
}

function resolve(): boolean {
  return theme.value === 'dark' || (theme.value === 'system' && darkSystem.matches)
}

function readTheme(): Theme {
  try {
    const stored = localStorage.getItem(storageKey)
    return stored === 'light' || stored === 'dark' ? stored : 'system'
  } catch {
    return 'system'
  }
}
