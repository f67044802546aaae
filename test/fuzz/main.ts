/** `npm run fuzz`: frames of every API against a real broker process, then every partition read to its end. See --help. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { apis } from '@streampay/kafka/wire'
import { WireConnection } from '../../packages/kafka/test/support/wire-connection.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { FuzzedBroker, heapMegabytes } from './broker-process.ts'
import { type Counts, FuzzClient } from './fuzz-client.ts'
import { keptTopics, partitionsOfTopic } from './names.ts'
import { hasKcat, kcatProblems, type PartitionRead, readAllPartitions } from './read-back.ts'

const help = `npm run fuzz -- [options]

Sends generated and mutated frames of every API and version, with batches of every compression, to an embedded broker
whose heap is bounded; half of them go through the transaction coordinator. Then the broker must be alive and small, must
have logged no error, and every partition must be readable from start to end, by our reader and by kcat, before and
after a restart.

  --frames <n>    how many (default 20000)
  --seed <text>   of the frames (default: the time)
  --clients <n>   clients at once (default 64)
  --help          this text

Exit codes: 0 all is well; 1 something is not: it is printed, and the broker's data is kept.`

const maxMemoryMegabytes = 768
const framesBetweenLooks = 5000
const lookEveryMs = 100
const mostReadings = 3
const livenessTimeoutMs = 20_000
const maxTopics = 100
const maxPartitionsOfTopic = 64

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now()) },
    clients: { type: 'string', default: '64' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(help)
else process.exitCode = await main(Number(values.frames), values.seed, Number(values.clients))

async function main(frames: number, seed: string, clients: number): Promise<number> {
  console.log(`${frames} frames, seed ${seed}, ${clients} clients`)
  const dataDir = await mkdtemp(join(tmpdir(), 'streampay-fuzz-'))
  const problems: string[] = []
  let broker = await FuzzedBroker.start(dataDir)
  try {
    const counts = await fuzz(broker, { frames, seed, clients }, problems)
    console.log(summaryOf(counts, broker.peakMemory()))
    const before = await readAllPartitions(broker.address)
    problems.push(...(await readBack(broker, before)))
    problems.push(...broker.complaints)
    const code = await broker.stop()
    if (code !== 0) problems.push(`the broker ended with ${code}`)
    broker = await FuzzedBroker.start(dataDir)
    const after = await readAllPartitions(broker.address)
    const found = [...shortened(before, after), ...(await readBack(broker, after))]
    problems.push(...found.map((problem) => `after a restart: ${problem}`), ...broker.complaints)
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error), ...broker.complaints)
  } finally {
    await broker.stop('SIGKILL')
  }
  for (const problem of problems) console.log(`PROBLEM ${problem}`)
  if (problems.length > 0)
    console.log(`the broker's data is in ${dataDir}; again with --frames ${frames} --seed ${seed}`)
  else await rm(dataDir, { recursive: true, force: true })
  return problems.length === 0 ? 0 : 1
}

async function fuzz(
  broker: FuzzedBroker,
  { frames, seed, clients: count }: { frames: number; seed: string; clients: number },
  problems: string[],
): Promise<Counts> {
  const counts: Counts = { frames: 0, answered: 0, closed: 0, silent: 0, byApi: new Map() }
  const clients = Array.from({ length: count }, (_, index) => {
    const random = new SeededRandom(`${seed}/${index}`)
    const transactionalId = index % 2 === 0 ? `tx-${index / 2}` : undefined
    return new FuzzClient({ address: broker.address, random, transactionalId, counts })
  })
  const goOn = () => counts.frames < frames && broker.isAlive && problems.length === 0
  const send = async (client: FuzzClient) => {
    while (goOn()) await client.sendOne()
  }
  const look = async () => {
    for (let next = 0; goOn(); next += framesBetweenLooks) {
      await keepTopics(broker.address)
      const memory = broker.peakMemory()
      console.log(`${counts.frames} frames, ${memory} MB`)
      if (memory > maxMemoryMegabytes) problems.push(`the broker takes ${memory} MB, more than ${maxMemoryMegabytes}`)
      while (goOn() && counts.frames < next + framesBetweenLooks) await delay(lookEveryMs)
    }
  }
  await keepTopics(broker.address)
  await Promise.all([look(), ...clients.map(send)])
  if (!broker.isAlive) problems.push(`the broker ended after ${counts.frames} frames`)
  for (const client of clients) client.close()
  return counts
}

/**
 * Creates the topics that frames have deleted, and deletes those that they created in great numbers; also shows that the broker answers.
 */
async function keepTopics(address: string): Promise<void> {
  const late = AbortSignal.timeout(livenessTimeoutMs)
  const silence = new Promise<never>((_, reject) =>
    late.addEventListener('abort', () => reject(new Error(`the broker gave no answer for ${livenessTimeoutMs} ms`))),
  )
  silence.catch(() => undefined)
  const work = async () => {
    const connection = await WireConnection.open(address)
    const wanted = keptTopics.map(({ name, configs }) => ({
      name,
      numPartitions: partitionsOfTopic,
      replicationFactor: 1,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }))
    await connection.call(apis.createTopics, { topics: wanted, timeoutMs: 1000 })
    const { topics } = await connection.call(apis.metadata, { topics: null })
    const others = topics.filter(
      ({ name, isInternal }) => !isInternal && !keptTopics.some((kept) => kept.name === name),
    )
    const large = others.filter(({ partitions }) => partitions.length > maxPartitionsOfTopic)
    const many = others.length > maxTopics ? others : large
    const names = many.map(({ name }) => ({ name }))
    if (names.length > 0) await connection.call(apis.deleteTopics, { topics: names, timeoutMs: 1000 })
    connection.close()
  }
  await Promise.race([work(), silence])
}

/** Compaction and retention may remove records over a restart, but the end of a partition never goes back. */
function shortened(before: readonly PartitionRead[], after: readonly PartitionRead[]): string[] {
  const ends = new Map(after.map(({ topic, partition, end }) => [`${topic}-${partition}`, end]))
  return before.flatMap(({ topic, partition, end }) => {
    const now = ends.get(`${topic}-${partition}`)
    return now !== undefined && now >= end ? [] : [`${topic}-${partition} ended at ${end}, and now at ${now}`]
  })
}

async function readBack(broker: FuzzedBroker, reads: readonly PartitionRead[]): Promise<string[]> {
  const records = reads.reduce((sum, read) => sum + read.records, 0)
  console.log(`our reader read ${records} records of ${reads.length} partitions to the end`)
  if (records === 0) return ['there was nothing to read']
  if (await hasKcat()) {
    let problems = await kcatProblems(broker.address, reads)
    // Retention and compaction continue: records that they remove between the two readers are gone for both in the end.
    for (let again = 1; problems.length > 0 && again <= mostReadings; again++) {
      problems = await kcatProblems(broker.address, await readAllPartitions(broker.address))
    }
    if (problems.length === 0) console.log('kcat read the same')
    return problems
  }
  if (process.env.CI) return ['kcat is missing: .ci/install-peers installs it']
  console.log('kcat is missing, so that nothing but our own reader has read the log')
  return []
}

function summaryOf(counts: Counts, memory: number): string {
  const byApi = [...counts.byApi].toSorted((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`)
  const { frames, answered, closed, silent } = counts
  return `${frames} frames: ${answered} answered, ${closed} closed their connection, ${silent} got no answer in time
the broker took ${memory} MB at most, with a heap of ${heapMegabytes} MB
${byApi.join(', ')}`
}
