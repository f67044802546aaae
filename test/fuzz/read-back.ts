/** Reads every partition from start to end, by our own reader and by `kcat`, and counts the records that each sees. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { openAdmin, openCluster, readBetween } from '@streampay/kafka'

const run = promisify(execFile)
const kcatTimeoutMs = 60_000
const maxOutputBytes = 256 * 1024 * 1024

export type PartitionRead = {
  readonly topic: string
  readonly partition: number
  readonly start: number
  readonly end: number
  /** Data records between start and end, of transactions with any outcome. */
  readonly records: number
}

/** @throws what the reader throws at the first batch that it can't read */
export async function readAllPartitions(address: string): Promise<PartitionRead[]> {
  const cluster = openCluster({ brokers: [address], clientId: 'fuzz-reader' })
  try {
    const admin = openAdmin(cluster)
    const descriptions = await admin.describeTopics(await admin.listTopics())
    const partitions = descriptions.flatMap(({ name: topic, partitions: all }) =>
      all.map(({ partition }) => ({ topic, partition })),
    )
    const starts = await admin.listOffsets(partitions, 'earliest')
    const ends = await admin.listOffsets(partitions, 'latest', 'read_uncommitted')
    const ranges = partitions.map((place, index) => ({
      ...place,
      start: starts[index]?.offset ?? 0,
      end: ends[index]?.offset ?? 0,
    }))
    const counts = new Map<string, number>()
    for await (const records of readBetween(cluster, ranges, { isolation: 'read_uncommitted' })) {
      for (const { topic, partition } of records) {
        const place = `${topic}-${partition}`
        counts.set(place, (counts.get(place) ?? 0) + 1)
      }
    }
    return ranges.map((range) => ({ ...range, records: counts.get(`${range.topic}-${range.partition}`) ?? 0 }))
  } finally {
    await cluster.close()
  }
}

export async function hasKcat(): Promise<boolean> {
  return run('kcat', ['-V']).then(
    () => true,
    () => false,
  )
}

/** @returns the faults: a partition that kcat can't read, or in which it sees another number of records */
export async function kcatProblems(address: string, reads: readonly PartitionRead[]): Promise<string[]> {
  const problems: string[] = []
  for (const { topic, partition, start, end, records } of reads) {
    if (start >= end) continue
    const place = ['-b', address, '-C', '-t', topic, '-p', String(partition), '-o', String(start), '-e', '-q', '-u']
    // Without the check of checksums librdkafka would return records that may be damaged.
    const options = ['-X', 'check.crcs=true', '-X', 'isolation.level=read_uncommitted', '-f', '%o\n']
    try {
      const { stdout, stderr } = await run('kcat', [...place, ...options], {
        timeout: kcatTimeoutMs,
        maxBuffer: maxOutputBytes,
      })
      const seen = stdout.split('\n').length - 1
      if (stderr.trim() !== '') problems.push(`kcat on ${topic}-${partition}: ${stderr.trim().slice(0, 300)}`)
      if (seen !== records) problems.push(`kcat saw ${seen} records of ${topic}-${partition}, our reader ${records}`)
    } catch (error) {
      problems.push(`kcat on ${topic}-${partition}: ${error instanceof Error ? error.message.slice(0, 300) : error}`)
    }
  }
  return problems
}
