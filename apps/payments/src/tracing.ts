/**
 * Spans of the records that belong to a sampled trace: when a topology read, processed and committed them. They are sent to `spans`, one
 * record for each person who takes part, after the transaction and outside of it. The times come from the moments that the runtime
 * publishes in any case (packages/process/src/moments.ts), so a record that isn't sampled only costs a check of one header.
 *
 *     read ─► processed ─► decided: the batch is whole ─► written ─► committed: told
 *                              └─ aborted: its records are processed once more
 */
import { headerNames, isReserved, jsonContentType, type Span, topicNames } from '@streampay/domain'
import type { BackgroundSender, ReceivedRecord } from '@streampay/kafka'
import { type Moment, readTraceparent, wallClock } from '@streampay/process'
import { headerText, slotName, type Tracing } from '@streampay/streams'
import { parseJson } from './serdes.ts'

/** The number of followed records in one batch; for further ones no spans are written. */
const mostOfBatch = 200
/** The number of stored transactions of commands whose people are not known yet. */
const mostRemembered = 500
/** The number of fetches of each partition: enough to have the fetch of a record that waited long. */
const mostFetches = 64

type Followed = {
  readonly traceId: string
  readonly owners: readonly string[]
  readonly source: Span['source']
  readonly readAt: number | undefined
  readonly processedAt: number
}

type Transaction = { readonly followed: readonly Followed[]; readonly records: number; writtenAt: number | undefined }

export type SpanTracing = {
  /** For the topology with this application id, as this process runs it. */
  of(applicationId: string): Tracing
  onMoment(moment: Moment): void
}

export type SpanTracingOptions = {
  readonly slot: number
  readonly sender: Pick<BackgroundSender, 'add'>
  /** Milliseconds since the epoch, with fractions. */
  readonly now?: () => number
}

export function openTracing({ slot, sender, now = wallClock }: SpanTracingOptions): SpanTracing {
  /** By topic and partition: the offsets up to which fetches read (exclusive), with their times, the newest last. */
  const fetches = new Map<string, { readonly upTo: number; readonly at: number }[]>()
  /** By transactional id: the batch being processed, and the transaction in progress. */
  const processed = new Map<string, Map<string, Followed>>()
  const transactions = new Map<string, Transaction>()
  const tellOwners = openTeller(sender)

  const readAt = ({ topic, partition, offset }: Span['source']) =>
    fetches.get(`${topic}:${partition}`)?.find(({ upTo }) => upTo > offset)?.at

  return {
    of(applicationId) {
      const batch = new Map<string, Followed>()
      processed.set(slotName(applicationId, slot), batch)
      return {
        carry(record) {
          const traceparent = headerText(record.headers, headerNames.traceparent)
          if (readTraceparent(traceparent)?.isSampled !== true) return undefined
          return { [headerNames.traceparent]: traceparent ?? '' }
        },
        processed(record) {
          const { topic, partition, offset } = record
          const trace = readTraceparent(headerText(record.headers, headerNames.traceparent))
          if (trace === undefined || batch.size >= mostOfBatch) return
          const source = { topic, partition, offset }
          const { traceId } = trace
          const owners = ownersOf(record)
          batch.set(`${topic}:${partition}:${offset}`, {
            traceId,
            owners,
            source,
            readAt: readAt(source),
            processedAt: now(),
          })
        },
      }
    },

    onMoment(moment) {
      const at = now()
      switch (moment.step) {
        case 'read': {
          const key = `${moment.topic}:${moment.partition}`
          const known = fetches.get(key) ?? []
          fetches.set(key, known)
          known.push({ upTo: moment.offset, at })
          if (known.length > mostFetches) known.shift()
          return
        }
        case 'decided': {
          const batch = processed.get(moment.id)
          if (batch === undefined) return
          transactions.set(moment.id, { followed: [...batch.values()], records: moment.records, writtenAt: undefined })
          batch.clear()
          return
        }
        case 'written': {
          const transaction = transactions.get(moment.id)
          if (transaction !== undefined) transaction.writtenAt = at
          return
        }
        case 'committed': {
          const transaction = transactions.get(moment.id)
          transactions.delete(moment.id)
          for (const followed of transaction?.followed ?? [])
            tell(moment.id, followed, { ...transaction, committedAt: at })
          return
        }
      }
    },
  }

  function tell(
    service: string,
    { traceId, owners, source, readAt, processedAt }: Followed,
    { records, writtenAt, committedAt }: Partial<Transaction> & { readonly committedAt: number },
  ): void {
    const steps = [
      ...(readAt === undefined ? [] : [{ step: 'read' as const, at: readAt }]),
      { step: 'processed' as const, at: processedAt },
      ...(writtenAt === undefined ? [] : [{ step: 'written' as const, at: writtenAt }]),
      { step: 'committed' as const, at: committedAt },
    ]
    const span: Span = { traceId, service, source, ...(records === undefined ? {} : { records }), steps }
    tellOwners(span, owners)
  }
}

/**
 * Spans are sent to the people of a record. A command may be refused, and then concerns only its sender: so the other person gets the
 * span once their balance has changed, which this process sees if it runs both topologies.
 */
function openTeller(sender: SpanTracingOptions['sender']): (span: Span, owners: readonly string[]) => void {
  /** By trace, the oldest first: the span of the command, and its sender. */
  const commands = new Map<string, { readonly owner: string | undefined; readonly value: string }>()
  const send = (owner: string, value: string) =>
    sender.add({ topic: topicNames.spans, key: owner, value, headers: { [headerNames.contentType]: jsonContentType } })

  return (span, owners) => {
    const { traceId, source } = span
    const value = JSON.stringify(span)
    for (const owner of owners) send(owner, value)
    if (source.topic === topicNames.commands) {
      commands.set(traceId, { owner: owners[0], value })
      const [oldest] = commands.keys()
      if (commands.size > mostRemembered && oldest !== undefined) commands.delete(oldest)
    }
    const command = source.topic === topicNames.balanceHistories ? commands.get(traceId) : undefined
    for (const owner of owners) if (command !== undefined && command.owner !== owner) send(owner, command.value)
  }
}

/**
 * The people who may know when this record was processed: those whose own views show its effects. A request that the debtor's task
 * decides belongs to its requester alone, because a debtor must not learn of a refused one.
 */
function ownersOf({ topic, key, value }: ReceivedRecord): readonly string[] {
  const keyed = key?.toString('utf8')
  switch (topic) {
    case topicNames.transactions:
      return people(keyed, memberOf(value, 'counterparty'))
    case topicNames.paymentRequests:
      return people(memberOf(value, 'requester'), memberOf(value, 'debtor'))
    case topicNames.requestsRepartition:
      return people(memberOf(value, 'requester') ?? memberOf(value, 'request', 'requester'))
    default:
      return people(keyed)
  }
}

function people(...ids: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(ids)].filter((id) => id !== undefined).filter((id) => !isReserved(id))
}

function memberOf(value: Buffer | null, ...path: readonly string[]): string | undefined {
  let member: unknown = value === null ? undefined : parseJson(value)
  for (const name of path) member = Reflect.get(Object(member), name)
  return typeof member === 'string' ? member : undefined
}
