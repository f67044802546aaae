import { ref, watch } from 'vue'

/**
 * How news is told in addition to what the page shows. Kept in this browser; both are off until they are switched on.
 */
const keys = { sound: 'streampay.news-sound', notifications: 'streampay.news-notifications' } as const

export const withSound = ref(read(keys.sound))
export const withNotifications = ref(read(keys.notifications) && isGranted())

watch(withSound, (isOn) => write(keys.sound, isOn))
watch(withNotifications, (isOn) => write(keys.notifications, isOn))

/** Whether this browser can show notifications at all. */
export function canNotify(): boolean {
  return 'Notification' in window
}

/**
 * Asks the person for the permission, if the browser has not asked yet. @returns whether notifications are shown from
 * now on
 */
export async function switchNotificationsOn(): Promise<boolean> {
  if (!canNotify()) return false
  const answer = isGranted() ? 'granted' : await Notification.requestPermission()
  withNotifications.value = answer === 'granted'
  return withNotifications.value
}

function isGranted(): boolean {
  return canNotify() && Notification.permission === 'granted'
}

function read(key: string): boolean {
  try {
    return localStorage.getItem(key) === 'on'
  } catch {
    return false
  }
}

function write(key: string, isOn: boolean): void {
  try {
    localStorage.setItem(key, isOn ? 'on' : 'off')
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}
