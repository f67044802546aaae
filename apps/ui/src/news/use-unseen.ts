import { onMounted, onUnmounted, ref, watch } from 'vue'
import { useRouter } from 'vue-router'
import { showUnseen } from '../app/tab-sign.ts'
import { withNotifications } from './news-settings.ts'
import type { NewsWords } from './news-words.ts'

/**
 * News that comes while the page is hidden: counted in the title, and shown by the system if the person switched that
 * on.
 */
export function useUnseen() {
  const router = useRouter()
  const unseen = ref(0)
  watch(unseen, showUnseen)

  function note({ title, detail, to }: NewsWords): void {
    if (!document.hidden) return
    unseen.value += 1
    if (!withNotifications.value) return
    const body = detail === undefined ? {} : { body: detail }
    const notification = new Notification(title, { icon: '/logo.svg', tag: to, ...body })
    notification.onclick = () => {
      window.focus()
      notification.close()
      void router.push(to)
    }
  }

  function onVisibility() {
    if (!document.hidden) unseen.value = 0
  }
  onMounted(() => document.addEventListener('visibilitychange', onVisibility))
  onUnmounted(() => document.removeEventListener('visibilitychange', onVisibility))

  return { note }
}
