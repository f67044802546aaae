/** Stands in for the service behind the log: answers every command as the test says. */
import { openProducer, openReader, type ReceivedRecord } from '@streampay/kafka'
import type { HeaderNames } from '../../src/index.ts'
import type { TestLog } from './test-log.ts'

export type TestReply = {
  readonly status: number
  readonly body: unknown
  readonly identity?: string
  readonly replayed?: boolean
  readonly retryAfter?: string
}
/** Undefined: no answer. */
export type Answering = (command: ReceivedRecord, headers: Readonly<Record<string, string>>) => TestReply | undefined

export type Replier = {
  /** Commands seen so far. */
  readonly commands: readonly ReceivedRecord[]
  answering: Answering
  readonly close: () => Promise<void>
}

export type ReplierOptions = {
  readonly commandTopic: string
  readonly replyTopic: string
  readonly headers: HeaderNames
}

export async function openReplier(
  log: TestLog,
  { commandTopic, replyTopic, headers: names }: ReplierOptions,
): Promise<Replier> {
  const commands: ReceivedRecord[] = []
  const producer = openProducer(log.cluster)
  const reader = openReader(log.cluster)
  const [description] = await log.admin.describeTopics([commandTopic])
  reader.assign((description?.partitions ?? []).map(({ partition }) => ({ topic: commandTopic, partition, offset: 0 })))
  const replier = { commands, answering: (() => undefined) as Answering, close: async () => undefined as undefined }

  const answer = async (command: ReceivedRecord) => {
    const headers = textHeaders(command)
    const reply = replier.answering(command, headers)
    if (reply === undefined) return
    const correlationId = headers[names.correlationId] ?? ''
    await producer.send([
      {
        topic: replyTopic,
        key: correlationId,
        value: JSON.stringify(reply.body),
        headers: {
          [names.status]: String(reply.status),
          [names.contentType]: reply.status < 400 ? 'application/json' : 'application/problem+json',
          [names.correlationId]: correlationId,
          [names.replyIdentity]: reply.identity ?? headers[names.identity] ?? '',
          [names.idempotencyKey]: headers[names.idempotencyKey] ?? '',
          ...(reply.replayed ? { [names.replayed]: 'true' } : {}),
          ...(reply.retryAfter === undefined ? {} : { [names.retryAfter]: reply.retryAfter }),
        },
      },
    ])
  }
  const run = async () => {
    for await (const fetches of reader) {
      for (const { records } of fetches) {
        for (const command of records) {
          commands.push(command)
          await answer(command)
        }
      }
    }
  }
  const running = run()
  replier.close = async () => {
    await reader.close()
    await running
    await producer.close()
  }
  return replier
}

export function textHeaders(record: ReceivedRecord): Record<string, string> {
  return Object.fromEntries(record.headers.map(([name, value]) => [name, value?.toString() ?? '']))
}
