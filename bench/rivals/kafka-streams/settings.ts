/**
 * Settings of Kafka Streams, and the reason for each: the best of those that were tried with 1, 64, 1,024 and 8,192 commands in flight on 2
 * cores that other work shared. `--set` tries others. All other settings have the library's defaults: among them acks of all replicas,
 * idempotence, read_committed and RocksDB's options.
 */

export type Settings = Readonly<Record<string, string>>

const shared: Settings = {
  // What is compared: one transaction holds what records caused, the changelogs and the offsets.
  'processing.guarantee': 'exactly_once_v2',
  // No cache. Accounts pay in turns, so that few writes of a commit meet in one account. What is gathered is sent at the commit,
  // which then takes longer: with 32 MiB, 1,024 in flight cost about 40 % more CPU of both processes, and 8,192 about 15 % less.
  'statestore.cache.max.bytes': '0',
  // A task takes what it has, as that of the other library does. With 0, the default, it waits while its other source may have more.
  'max.task.idle.ms': '-1',
}

export const forLatency: Settings = {
  ...shared,
  // A thread has a producer of its own, so that each commit of each thread is a transaction. With 64 in flight, 2 and 4 threads
  // answered no more commands than 1, for as much CPU or more.
  'num.stream.threads': '1',
  // The default for exactly_once_v2 is 100. A command waits for the next commit, so that 3 and 5 make one that comes alone faster by a
  // few milliseconds; but a commit takes as long itself, and with 64 in flight a third fewer commands were answered.
  'commit.interval.ms': '10',
  // A thread that has nothing to process looks at the commit interval only after so long. The default is 100.
  'poll.ms': '1',
  // Kafka Streams sets 100 for its producers. A commit flushes what waits, but until then nothing would be on its way.
  'producer.linger.ms': '0',
}

export const forThroughput: Settings = {
  ...shared,
  // One a core: with 1,024 in flight, 1 and 4 cost more CPU for a command.
  'num.stream.threads': '2',
  // The default for exactly_once_v2. With 50 more transactions are made of as many commands, with 200 they wait longer.
  'commit.interval.ms': '100',
  // Batches gather meanwhile, and the commit has less left to send than with the 100 that Kafka Streams sets.
  'producer.linger.ms': '10',
  // All that a partition gets in that time is one batch; 16 KiB, the default, are some 100 records.
  'producer.batch.size': String(256 * 1024),
}

/** As `name=value`, comma-separated. @returns undefined for what is not of this form */
export function settingsFrom(text: string): Settings | undefined {
  const pairs = text === '' ? [] : text.split(',').map((pair) => /^\s*([a-z.]+)=(.+)$/.exec(pair))
  if (pairs.some((pair) => pair === null)) return undefined
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2]?.trim() ?? '']))
}
