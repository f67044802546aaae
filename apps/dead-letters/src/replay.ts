/** Puts letters back: writes the original records at the end of the topics that they came from. */
import { headerNames, topicNames } from '@streampay/domain'
import {
  type Cluster,
  KafkaError,
  openAdmin,
  openProducer,
  openReader,
  type Reader,
  type ReceivedRecord,
  type RecordToSend,
} from '@streampay/kafka'
import { headerText } from '@streampay/streams'
import { type Letter, partitionsOf } from './letters.ts'

export type Replayed = {
  readonly letter: Letter
  /** The new coordinates of the record, topic/partition/offset; or why it was not, or perhaps not, written. */
  readonly place: string | undefined
  readonly fault: string | undefined
  /** The answer of the payments service, if it came in time. A record of `users` gets no answer. */
  readonly answer: { readonly status: number; readonly detail: string | undefined } | undefined
}

/** The original key, value and headers. The partition is that of the key, and the log sets the time. */
function recordOf({ origin, record, headers }: Letter): RecordToSend {
  return { topic: origin.topic, key: record.key, value: record.value, headers }
}

export function expectsAnswer({ origin }: Letter): boolean {
  return origin.topic === topicNames.commands
}

/** Writes the letters in the order given, then waits at most `answersWithinMs` for the replies to their commands. */
export async function replay(
  cluster: Cluster,
  letters: readonly Letter[],
  options: { readonly answersWithinMs: number },
): Promise<Replayed[]> {
  const reader = openReader(cluster)
  const producer = openProducer(cluster)
  try {
    // Subscribed before anything is written, so that no reply is missed.
    const partitions = await partitionsOf(cluster, topicNames.replies)
    reader.assign(await openAdmin(cluster).listOffsets(partitions, 'latest'))
    const written = await Promise.all(
      letters.map(async (letter) => {
        try {
          const [at] = await producer.send([recordOf(letter)])
          return { letter, place: at && `${at.topic}/${at.partition}/${at.offset}`, fault: undefined }
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error
          const doubt = error.outcome === 'not-written' ? 'not written' : 'perhaps written'
          return { letter, place: undefined, fault: `${doubt}: ${error.message}` }
        }
      }),
    )
    const asked = written.filter(({ letter, place }) => place !== undefined && expectsAnswer(letter))
    const answers = await answersTo(
      reader,
      asked.map(({ letter }) => correlationOf(letter)),
      {
        withinMs: options.answersWithinMs,
        elapsed: () => cluster.clock.elapsed(),
      },
    )
    return written.map((one) => ({ ...one, answer: answers.get(correlationOf(one.letter) ?? '') }))
  } finally {
    await producer.close()
    await reader.close()
  }
}

function correlationOf({ headers }: Letter): string | undefined {
  return headers[headerNames.correlationId]?.toString('utf8')
}

async function answersTo(
  reader: Reader,
  correlationIds: readonly (string | undefined)[],
  { withinMs, elapsed }: { readonly withinMs: number; readonly elapsed: () => number },
): Promise<Map<string, NonNullable<Replayed['answer']>>> {
  const answers = new Map<string, NonNullable<Replayed['answer']>>()
  const open = new Set(correlationIds.filter((id) => id !== undefined))
  const deadline = elapsed() + withinMs
  while (open.size > 0 && elapsed() < deadline) {
    const fetched = await reader.poll({ timeoutMs: deadline - elapsed() })
    for (const record of fetched.flatMap(({ records }) => records)) {
      const id = headerText(record.headers, headerNames.correlationId)
      if (id === undefined || !open.delete(id)) continue
      answers.set(id, { status: Number(headerText(record.headers, headerNames.status)), detail: detailOf(record) })
    }
  }
  return answers
}

/** The sentence of a refusal; undefined for any other body. */
function detailOf({ value }: ReceivedRecord): string | undefined {
  try {
    const body: unknown = JSON.parse(value?.toString('utf8') ?? 'null')
    if (typeof body !== 'object' || body === null || !('detail' in body)) return undefined
    return typeof body.detail === 'string' ? body.detail : undefined
  } catch (error) {
    // The status says how it ended; a body that can't be read must not hide that.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
