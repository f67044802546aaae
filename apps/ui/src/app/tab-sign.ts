import { ref, watchEffect } from 'vue'

/** How the browser shows this page while it isn't looked at: the tab's title and icon, and the badge of an installed app. */
const page = ref('')
const unseen = ref(0)

const icons = { quiet: '/logo.svg', news: '/logo-news.svg' } as const

watchEffect(() => {
  const name = page.value === '' ? 'StreamPay' : `${page.value} · StreamPay`
  document.title = unseen.value > 0 ? `(${unseen.value}) ${name}` : name
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  icon?.setAttribute('href', unseen.value > 0 ? icons.news : icons.quiet)
  setBadge(unseen.value)
})

export function namePage(title: string): void {
  page.value = title
}

/** The number of news that came while the page was hidden; 0 once it is seen. */
export function showUnseen(count: number): void {
  unseen.value = count
}

/** Only some browsers have this method, and only for an installed app. */
function setBadge(count: number): void {
  if (!('setAppBadge' in navigator)) return
  // Where the system refuses a badge, title and icon remain.
  void navigator.setAppBadge(count).catch(() => undefined)
}
