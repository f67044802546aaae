/** Sends commands to every partition all the time, and notes when each was answered. */
import { headerNames, topicNames } from '@streampay/domain'
import { openCluster, openProducer, openReader, partitionForKey } from '@streampay/kafka'
import { payRecord } from '../support/pay-record.ts'

export type Traffic = {
  /**
   * Resolves with the time at which the takeover is over: every partition has answered a command that was sent after
   * `since`, and none has one waiting. Both in ms since the epoch.
   */
  answering(since: number): Promise<number>
  /** Stops sending, waits for unanswered commands, and returns how often each command was answered. */
  stop(): Promise<{ readonly commands: number; readonly answeredOnce: number }>
}

type Command = { readonly partition: number; readonly sentAt: number; answers: number; answeredAt: number }

const partitionCount = 4
const sendEveryMs = 25
/** A command that waits longer than this waits for a takeover, and not only because of a busy machine. */
const longMs = 1_000

export async function startTraffic(brokers: readonly string[]): Promise<Traffic> {
  const cluster = openCluster({ brokers, clientId: 'takeover-test' })
  const producer = openProducer(cluster)
  const reader = openReader(cluster, { maxWaitMs: 50 })
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
  reader.assign(partitions.map((partition) => ({ topic: topicNames.replies, partition, offset: 0 })))
  const run = crypto.randomUUID()
  const commands = new Map<string, Command>()
  const answers = new Map<string, number>()
  let look = () => {}
  const following = (async () => {
    for await (const fetched of reader) {
      const now = Date.now()
      for (const { key } of fetched.flatMap(({ records }) => records)) note(key?.toString('utf8') ?? '', now)
      look()
    }
  })()

  /** A reply may come before the sender gets the acknowledgement of the command. */
  function note(id: string, at: number): void {
    if (!id.startsWith(run)) return
    answers.set(id, (answers.get(id) ?? 0) + 1)
    const command = commands.get(id)
    if (command === undefined) return
    command.answers++
    if (command.answers === 1) command.answeredAt = at
  }

  async function send(partition: number): Promise<void> {
    const payer = accountIn(partition)
    const id = `${run}-${commands.size}`
    commands.set(id, { partition, sentAt: Date.now(), answers: 0, answeredAt: 0 })
    await producer.send([payRecord({ id, payer, payee: accountIn((partition + 1) % partitionCount) })])
  }

  await producer.send(
    partitions.map(accountIn).map((id) => ({
      topic: topicNames.users,
      key: id,
      value: JSON.stringify({ id, name: id, username: id }),
      headers: { [headerNames.identity]: id },
    })),
  )
  let failure: unknown
  const timer = setInterval(() => {
    for (const partition of partitions) {
      send(partition).catch((error: unknown) => {
        failure ??= error
      })
    }
    look()
  }, sendEveryMs)

  function until<T>(condition: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    look = () => {
      const found = condition()
      if (failure !== undefined) reject(failure)
      else if (found !== undefined) resolve(found)
    }
    look()
    return promise
  }

  return {
    answering: (since) => until(() => recovery([...commands.values()], { since, now: Date.now(), partitions })),
    async stop() {
      clearInterval(timer)
      await until(() => ([...commands.values()].every(({ answers }) => answers > 0) ? true : undefined))
      await reader.close()
      await following
      await producer.close()
      await cluster.close()
      const answeredOnce = [...commands.values()].filter(({ answers }) => answers === 1).length
      return { commands: commands.size, answeredOnce }
    },
  }
}

function recovery(
  commands: readonly Command[],
  { since, now, partitions }: { since: number; now: number; partitions: readonly number[] },
): number | undefined {
  const sentSince = commands.filter(({ sentAt }) => sentAt > since)
  if (sentSince.some(({ answers, sentAt }) => answers === 0 && now - sentAt > longMs)) return undefined
  const slow = sentSince.filter(({ answers, sentAt, answeredAt }) => answers > 0 && answeredAt - sentAt > longMs)
  const first = partitions.map((one) => sentSince.find(({ partition, answers }) => partition === one && answers > 0))
  if (slow.length === 0 || first.includes(undefined)) return undefined
  return Math.max(...slow.map(({ answeredAt }) => answeredAt), ...first.map((command) => command?.answeredAt ?? 0))
}

/** An account of the partition. */
export function accountIn(partition: number): string {
  for (let i = 0; ; i++) if (partitionForKey(`payer-${i}`, partitionCount) === partition) return `payer-${i}`
}
