const units = [
  { ms: 86_400_000, one: 'day' },
  { ms: 3_600_000, one: 'hour' },
  { ms: 60_000, one: 'minute' },
  { ms: 1_000, one: 'second' },
] as const

/** How long a topic keeps its records, in words, from its configuration as Kafka names it. */
export function retentionWords(config: Readonly<Record<string, string>>): string {
  if ((config['cleanup.policy'] ?? 'delete').includes('compact')) return 'latest of each key'
  const retentionMs = Number(config['retention.ms'] ?? Number.NaN)
  if (Number.isNaN(retentionMs)) return 'by default'
  if (retentionMs < 0) return 'for ever'
  const unit = units.find(({ ms }) => retentionMs >= ms && retentionMs % ms === 0)
  if (unit === undefined) return `${retentionMs} ms`
  const count = retentionMs / unit.ms
  return `${count} ${unit.one}${count === 1 ? '' : 's'}`
}
