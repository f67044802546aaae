import { whenQuiet } from '../app/preload-pages.ts'

/**
 * Registers the service worker once the first page is there. It is optional: if the browser refuses it, because it does not trust the
 * development certificate or because the person has switched it off, everything works without it.
 */
export function registerServiceWorker(): void {
  // The development server has no build, and so no service worker.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  whenQuiet(() => void navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' }).catch(() => undefined))
}
