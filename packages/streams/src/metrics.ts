/** What a running topology tells Prometheus. Several topologies may share a registry: `application` tells them apart. */
import { Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client'

export type StreamsMetrics = {
  lag(at: { topic: string; partition: number }, records: number): void
  /** Forgets the lag of all partitions, because they now belong to another process. */
  forgetLag(): void
  committed(batch: { seconds: number; records: number; deadLetters: number }): void
  aborted(): void
  restored(records: number): void
  tablePassedOver(table: string): void
}

export function streamsMetrics(registry: Registry = new Registry(), application: string): StreamsMetrics {
  const registers = [registry]
  const lag = shared(registry, 'streams_lag_records', (name) => {
    const help = 'Records between the committed input offset and the end of the partition.'
    return new Gauge({ name, help, labelNames: ['application', 'topic', 'partition'], registers })
  })
  const commitSeconds = shared(registry, 'streams_commit_seconds', (name) => {
    const help = 'From the first write of a transaction to its acknowledged commit.'
    const buckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5]
    return new Histogram({ name, help, labelNames: ['application'], buckets, registers })
  })
  const batchRecords = shared(registry, 'streams_batch_records', (name) => {
    const help = 'Input records of one transaction.'
    const buckets = [1, 2, 5, 10, 50, 100, 500, 1_000, 4_000]
    return new Histogram({ name, help, labelNames: ['application'], buckets, registers })
  })
  const counter = (name: string, help: string, extra: string[] = []) =>
    shared(registry, name, () => new Counter({ name, help, labelNames: ['application', ...extra], registers }))
  const deadLetters = counter('streams_dead_letters_total', 'Input records that were dead-lettered.')
  const aborts = counter('streams_aborted_transactions_total', 'Transactions that were aborted and tried again.')
  const restored = counter('streams_restored_records_total', 'Changelog records read at starts of tasks.')
  const passedOver = counter('streams_table_passed_over_total', 'Global table records passed over as unusable.', [
    'table',
  ])
  const labels = { application }
  const lagLabels = new Map<string, { application: string; topic: string; partition: string }>()
  return {
    lag: ({ topic, partition }, records) => {
      const key = `${topic}/${partition}`
      const at = lagLabels.get(key) ?? { ...labels, topic, partition: String(partition) }
      lagLabels.set(key, at)
      lag.set(at, records)
    },
    forgetLag: () => {
      for (const at of lagLabels.values()) lag.remove(at)
      lagLabels.clear()
    },
    committed: (batch) => {
      commitSeconds.observe(labels, batch.seconds)
      batchRecords.observe(labels, batch.records)
      if (batch.deadLetters > 0) deadLetters.inc(labels, batch.deadLetters)
    },
    aborted: () => aborts.inc(labels),
    restored: (records) => restored.inc(labels, records),
    tablePassedOver: (table) => passedOver.inc({ ...labels, table }),
  }
}

/** The metric of that name, made by whichever topology comes first. */
function shared<M extends Metric>(registry: Registry, name: string, make: (name: string) => M): M {
  return (registry.getSingleMetric(name) as M | undefined) ?? make(name)
}
