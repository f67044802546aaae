export const times = {
  justNow: 'just now',
  minutesAgo: '{minutes} min ago',
  today: 'Today',
  yesterday: 'Yesterday',
  milliseconds: '{ms} ms',
  seconds: '{seconds} s',
  minutes: '{minutes} min',
  hours: '{hours} h',
  days: '{days} days',
} as const
