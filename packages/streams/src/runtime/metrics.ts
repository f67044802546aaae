/** The Prometheus metrics of a running topology. Several topologies may share a registry: the label `application` distinguishes them. */
import { keyOf, type TopicPartition } from '@streampay/kafka'
import { Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client'

export type StreamsMetrics = {
  lag(at: { topic: string; partition: number }, records: number): void
  /** The lag of all partitions together. */
  totalLag(): number
  /** Removes the lag of all partitions, because they now belong to another process. */
  forgetLag(): void
  committed(batch: { seconds: number; records: number; deadLetters: number }): void
  aborted(): void
  /** The number of records read, and of offsets still to read. */
  restored(records: number, remaining: number): void
  standbyLag(at: { topic: string; partition: number }, records: number): void
  /** Removes the lag of all standbys, because other processes have them now. */
  forgetStandbyLag(): void
  tablePassedOver(table: string): void
  /** The number of stores or tables on the disk that are read again from the beginning. */
  startedOver(stores: number): void
  /** The state folder was wiped. */
  wiped(): void
  stateBytes(bytes: number): void
}

export function streamsMetrics(registry: Registry = new Registry(), application: string): StreamsMetrics {
  const registers = [registry]
  const lag = partitionGauge(registry, {
    name: 'streams_lag_records',
    help: 'Records of an input partition that are still to be processed and committed.',
  })
  const standbyLag = partitionGauge(registry, {
    name: 'streams_standby_lag_records',
    help: 'Changelog records that are committed and that the standby has not read yet.',
  })
  const remaining = shared(registry, 'streams_restore_remaining_records', (name) => {
    const help = 'Changelog offsets that the restoration under way has still to read; 0 if there is none.'
    return new Gauge({ name, help, labelNames: ['application'], registers })
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
  const passedOver = counter('streams_table_passed_over_total', 'Global table records skipped as unusable.', ['table'])
  const startedOver = counter(
    'streams_state_started_over_total',
    'Stores and tables on disk that did not match the log.',
  )
  const wiped = counter('streams_state_wiped_total', 'Folders of local state that could not be opened and were wiped.')
  const stateBytes = shared(registry, 'streams_state_bytes', (name) => {
    const help = 'What the local state takes on the disk.'
    return new Gauge({ name, help, labelNames: ['application'], registers })
  })
  const labels = { application }
  const ownLag = ofPartitions(lag, application)
  const ownStandbyLag = ofPartitions(standbyLag, application)
  return {
    lag: ownLag.set,
    totalLag: ownLag.sum,
    forgetLag: ownLag.forget,
    standbyLag: ownStandbyLag.set,
    forgetStandbyLag: ownStandbyLag.forget,
    committed: (batch) => {
      commitSeconds.observe(labels, batch.seconds)
      batchRecords.observe(labels, batch.records)
      if (batch.deadLetters > 0) deadLetters.inc(labels, batch.deadLetters)
    },
    aborted: () => aborts.inc(labels),
    restored: (records, left) => {
      restored.inc(labels, records)
      remaining.set(labels, left)
    },
    tablePassedOver: (table) => passedOver.inc({ ...labels, table }),
    startedOver: (stores) => startedOver.inc(labels, stores),
    wiped: () => wiped.inc(labels),
    stateBytes: (bytes) => stateBytes.set(labels, bytes),
  }
}

type PartitionGauge = Gauge<'application' | 'topic' | 'partition'>

function partitionGauge(registry: Registry, { name, help }: { name: string; help: string }): PartitionGauge {
  const labelNames = ['application', 'topic', 'partition'] as const
  return shared(registry, name, () => new Gauge({ name, help, labelNames, registers: [registry] }))
}

/** The values of one application, which are set and removed with its partitions. */
function ofPartitions(gauge: PartitionGauge, application: string) {
  type Known = { readonly labels: { application: string; topic: string; partition: string }; value: number }
  const known = new Map<string, Known>()
  return {
    set(at: TopicPartition, value: number): void {
      const { topic, partition } = at
      const key = keyOf(at)
      const entry = known.get(key) ?? { labels: { application, topic, partition: String(partition) }, value }
      entry.value = value
      known.set(key, entry)
      gauge.set(entry.labels, value)
    },
    sum(): number {
      return [...known.values()].reduce((sum, { value }) => sum + value, 0)
    },
    forget(): void {
      for (const { labels } of known.values()) gauge.remove(labels)
      known.clear()
    },
  }
}

/** The metric of that name, created by the first topology that needs it. */
function shared<M extends Metric>(registry: Registry, name: string, make: (name: string) => M): M {
  return (registry.getSingleMetric(name) as M | undefined) ?? make(name)
}
