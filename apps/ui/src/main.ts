import ui from '@nuxt/ui/vue-plugin'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { whenQuiet } from './app/preload-pages.ts'
import { router } from './app/router.ts'
import { i18n } from './i18n/i18n.ts'
import { language } from './i18n/language.ts'
import { loadTexts } from './i18n/load-texts.ts'
import './styles/main.css'

// If its texts can't be loaded, the whole page is English, for a screen reader too.
if (await loadTexts('wallet')) document.documentElement.lang = language
else i18n.global.locale.value = 'en'
createApp(App).use(createPinia()).use(router).use(ui).use(i18n).mount('#app')
registerServiceWorker()

/**
 * Registers the service worker once the first page is there. It is optional: if the browser refuses it, because it does not trust the
 * development certificate or because the person has switched it off, everything works without it.
 */
function registerServiceWorker(): void {
  // The development server has no build, and so no service worker.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  whenQuiet(() => void navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' }).catch(() => undefined))
}
