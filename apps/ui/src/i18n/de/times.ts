import type { times as english } from '../en/times.ts'

export const times: Record<keyof typeof english, string> = {
  justNow: 'gerade eben',
  minutesAgo: 'vor {minutes} min',
  today: 'Heute',
  yesterday: 'Gestern',
  milliseconds: '{ms} ms',
  seconds: '{seconds} s',
  minutes: '{minutes} min',
  hours: '{hours} h',
  days: '{days} Tage',
}
