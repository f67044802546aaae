import ui from '@nuxt/ui/vue-plugin'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { router } from './app/router.ts'
import { i18n } from './i18n/i18n.ts'
import { language } from './i18n/language.ts'
import { loadTexts } from './i18n/load-texts.ts'
import { registerServiceWorker } from './shell/register.ts'
import './styles/main.css'

// If its texts can't be loaded, the whole page is English, for a screen reader too.
if (await loadTexts('wallet')) document.documentElement.lang = language
else i18n.global.locale.value = 'en'
createApp(App).use(createPinia()).use(router).use(ui).use(i18n).mount('#app')
registerServiceWorker()
