import { onUnmounted, ref } from 'vue'
import { formatLocale } from '../i18n/language.ts'
import { t } from '../i18n/wallet.ts'
import { now } from './clock.ts'

/** Times in words, in the page's language and the browser's time zone. */
const clockTime = new Intl.DateTimeFormat(formatLocale, { hour: 'numeric', minute: '2-digit' })
const clockSecond = new Intl.DateTimeFormat(formatLocale, { timeStyle: 'medium' })
const dayThisYear = new Intl.DateTimeFormat(formatLocale, { day: 'numeric', month: 'short' })
const dayOtherYear = new Intl.DateTimeFormat(formatLocale, { day: 'numeric', month: 'short', year: 'numeric' })
const longDay = new Intl.DateTimeFormat(formatLocale, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
})
const fullTime = new Intl.DateTimeFormat(formatLocale, { dateStyle: 'long', timeStyle: 'medium' })
const preciseTime = new Intl.DateTimeFormat(formatLocale, {
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
})

const preciseClock = new Intl.DateTimeFormat(formatLocale, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
})

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** “just now”, “4 min ago”, “13:05”, “21 Nov”: less exact the longer ago it is. */
export function briefTime(at: number, nowMs: number): string {
  const age = nowMs - at
  if (age < minuteMs) return t('times.justNow')
  if (age < hourMs) return t('times.minutesAgo', { minutes: Math.floor(age / minuteMs) })
  if (isSameDay(at, nowMs)) return clockTime.format(at)
  return shortDay(at, nowMs)
}

export function shortDay(at: number, nowMs: number): string {
  const isThisYear = new Date(at).getFullYear() === new Date(nowMs).getFullYear()
  return (isThisYear ? dayThisYear : dayOtherYear).format(at)
}

export function dayHeading(at: number, nowMs: number): string {
  if (isSameDay(at, nowMs)) return t('times.today')
  if (isSameDay(at, nowMs - 24 * hourMs)) return t('times.yesterday')
  return longDay.format(at)
}

export function timeOfDay(at: number): string {
  return clockTime.format(at)
}

export function secondOfDay(at: number): string {
  return clockSecond.format(at)
}

export function exactTime(at: number): string {
  return fullTime.format(at)
}

export function millisecondTime(at: number): string {
  return preciseTime.format(at)
}

/** The time of day to the millisecond, where there is no space for the day. */
export function clockMillisecond(at: number): string {
  return preciseClock.format(at)
}

/** “12 s”, “3 min”, “2 h”: a time to wait, rounded up. */
export function durationWords(ms: number): string {
  if (ms <= 2 * minuteMs) return t('times.seconds', { seconds: Math.ceil(ms / 1_000) })
  if (ms <= 2 * hourMs) return t('times.minutes', { minutes: Math.ceil(ms / minuteMs) })
  return t('times.hours', { hours: Math.ceil(ms / hourMs) })
}

/** “2 s”, “4 min”, “3 h”, “2 days”: how long something took. */
export function elapsedWords(ms: number): string {
  if (ms < 2 * minuteMs) return t('times.seconds', { seconds: Math.max(1, Math.round(ms / 1_000)) })
  if (ms < 2 * hourMs) return t('times.minutes', { minutes: Math.round(ms / minuteMs) })
  if (ms < 48 * hourMs) return t('times.hours', { hours: Math.round(ms / hourMs) })
  return t('times.days', { days: Math.round(ms / (24 * hourMs)) })
}

/** A day as a key that sorts, in the browser's time zone. */
export function dayKey(at: number): string {
  const date = new Date(at)
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`
}

function isSameDay(left: number, right: number): boolean {
  return dayKey(left) === dayKey(right)
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

/** The current time, updated often enough for times in words. */
export function useNow() {
  const current = ref(now())
  const timer = setInterval(() => {
    current.value = now()
  }, 20_000)
  onUnmounted(() => clearInterval(timer))
  return current
}
