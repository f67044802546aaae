import { t } from '../i18n/console.ts'

const units = [
  { ms: 86_400_000, name: 'topics.days' },
  { ms: 3_600_000, name: 'topics.hours' },
  { ms: 60_000, name: 'topics.minutes' },
  { ms: 1_000, name: 'topics.seconds' },
] as const

/** How long a topic keeps its records, in words, from its configuration as Kafka names it. */
export function retentionWords(config: Readonly<Record<string, string>>): string {
  if ((config['cleanup.policy'] ?? 'delete').includes('compact')) return t('topics.keptLatest')
  const retentionMs = Number(config['retention.ms'] ?? Number.NaN)
  if (Number.isNaN(retentionMs)) return t('topics.keptByDefault')
  if (retentionMs < 0) return t('topics.keptForEver')
  return spanWords(retentionMs)
}

/** “7 days”, “90 minutes”: a span as it was configured, not rounded. */
export function spanWords(spanMs: number): string {
  const unit = units.find(({ ms }) => spanMs >= ms && spanMs % ms === 0)
  if (unit === undefined) return t('times.milliseconds', { ms: String(spanMs) })
  return t(unit.name, { count: spanMs / unit.ms })
}
