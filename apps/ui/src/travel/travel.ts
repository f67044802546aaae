/**
 * The way of one command as a picture: what each service did, and when it was on each topic. It is made of spans, which services measure
 * (docs/operations.md, "Traces"), of the times that this browser noted, and of the records if the person may read the log.
 *
 *     browser ─► gateway ─► commands ─► payments: one transaction ─► transactions, balances, …, replies ─► gateway ─► browser
 *                                                  └─► the recipient's side, statistics, live views
 */
import { type Span, type SpanStep, topicNames } from '@streampay/domain'
import type { TopicRecord } from '../api/types.ts'
import { isKeyOf } from '../app/is-key-of.ts'
import { withDecimals } from '../app/numbers.ts'
import { t } from '../i18n/console.ts'

/** A row of the picture: a service, or a topic of the log. */
export type Lane = { readonly id: string; readonly name: string; readonly kind: 'service' | 'topic' }

/** Something that took from one moment to another, or that existed from a moment on. Milliseconds since the epoch. */
export type Hop = {
  readonly lane: string
  readonly words: string
  readonly from: number
  readonly to: number
  /** The process that measured it. */
  readonly service?: string
  readonly records: readonly TopicRecord[]
}

export type Travel = {
  readonly lanes: readonly Lane[]
  /** In the order of their beginnings. */
  readonly hops: readonly Hop[]
  readonly from: number
  readonly to: number
  /** Whether services measured it; if not, it is made of the log's own times alone. */
  readonly isMeasured: boolean
}

/** The times that this browser noted for its own command, by its own clock. */
export type OwnTimes = { readonly sentAt: number; readonly answeredAt: number }

export type TravelParts = {
  readonly spans: readonly Span[]
  /** The command and all that it caused; none if the person may not read the log. */
  readonly records: readonly TopicRecord[]
  readonly own?: OwnTimes | undefined
}

/** Services by their ids in the picture; each topic has a lane by its own name. */
const serviceNames = {
  browser: 'travel.browser',
  gateway: 'travel.gateway',
  payments: 'travel.payments',
  'other-side': 'travel.otherSide',
  statistics: 'travel.statistics',
  views: 'travel.views',
} as const
/** All lanes that there can be, from top to bottom. */
const allLanes: readonly string[] = [
  'browser',
  'gateway',
  topicNames.commands,
  'payments',
  'other-side',
  topicNames.transactions,
  topicNames.balances,
  topicNames.balanceHistories,
  topicNames.paymentRequests,
  topicNames.replies,
  'statistics',
  topicNames.activities,
  'views',
]

/** Undefined if there is no time at all. */
export function travelOf({ spans, records, own }: TravelParts): Travel | undefined {
  const measured = spans.flatMap((span) => hopsOf(span))
  const isMeasured = measured.length > 0
  const ofRecords = records.flatMap((record) => hopOfRecord(record, spans))
  const hops = [...measured, ...mergedByLane(ofRecords), ...hopsOfBrowser(own, spans)].sort(
    (a, b) => a.from - b.from || a.to - b.to,
  )
  if (hops.length === 0) return undefined
  const used = new Set(hops.map(({ lane }) => lane))
  return {
    lanes: allLanes.filter((id) => used.has(id)).map(laneOf),
    hops,
    from: Math.min(...hops.map(({ from }) => from)),
    to: Math.max(...hops.map(({ to }) => to)),
    isMeasured,
  }
}

function laneOf(id: string): Lane {
  return isKeyOf(serviceNames, id)
    ? { id, name: t(serviceNames[id]), kind: 'service' }
    : { id, name: id, kind: 'topic' }
}

/** Whether the command is answered, its transaction committed, and its effect shown: then it is complete. */
export function isWhole(spans: readonly Span[]): boolean {
  const has = (step: SpanStep) => spans.some(({ steps }) => steps.some((one) => one.step === step))
  return has('answered') && has('committed') && has('shown')
}

/** The trace id that the spans of the command at this place have in common. */
export function traceOf(spans: readonly Span[], place: { readonly partition: number; readonly offset: number }) {
  return spans.find(
    ({ source }) =>
      source.topic === topicNames.commands && source.partition === place.partition && source.offset === place.offset,
  )?.traceId
}

function hopsOf({ service, source, steps, records: written }: Span): Hop[] {
  const at = (step: SpanStep) => steps.find((one) => one.step === step)?.at
  const hop = (lane: string, words: string, from: number | undefined, to: number | undefined): Hop[] =>
    from === undefined || to === undefined ? [] : [{ lane, words, from, to: Math.max(from, to), service, records: [] }]
  const [received, acknowledged, replied, answered] = [
    at('received'),
    at('acknowledged'),
    at('replied'),
    at('answered'),
  ]
  if (received !== undefined) {
    return [
      ...hop('gateway', t('travel.checks'), received, acknowledged),
      ...hop('gateway', t('travel.waitsForReply'), acknowledged, replied),
      ...hop('gateway', t('travel.answers'), replied ?? acknowledged, answered),
    ]
  }
  const shown = at('shown')
  if (shown !== undefined) return hop('views', t('travel.shows'), shown, shown)
  const [read, processed, committed] = [at('read') ?? at('processed'), at('processed'), at('committed')]
  if (service.includes('statistics')) return hop('statistics', statisticsWords(source.topic), read, committed)
  switch (source.topic) {
    case topicNames.transactions:
      return hop('other-side', t('travel.credits'), read, committed)
    case topicNames.requestsRepartition:
      return hop('other-side', t('travel.takesRequest'), read, committed)
    default:
      return [
        ...hop('payments', t('travel.decides'), read, processed),
        ...hop('payments', transactionWords(written), processed, at('written') ?? committed),
        ...hop('payments', t('travel.commits'), at('written'), committed),
      ]
  }
}

function statisticsWords(topic: string): string {
  return t(topic === topicNames.balanceHistories ? 'travel.addsToStatement' : 'travel.counts')
}

function transactionWords(written: number | undefined): string {
  return written === undefined ? t('travel.writes') : t('travel.writesRecords', { count: written })
}

/** The latest time at which a record became readable: others may have read it before its writer got the acknowledgement. */
function hopOfRecord(record: TopicRecord, spans: readonly Span[]): Hop[] {
  const from = visibleAt(record, spans)
  if (from === undefined || !allLanes.includes(record.topic)) return []
  return [{ lane: record.topic, words: '', from, to: from, records: [record] }]
}

function visibleAt({ topic, timestamp, value }: TopicRecord, spans: readonly Span[]): number | undefined {
  const all = (step: SpanStep, isIt: (span: Span) => boolean) =>
    spans.filter(isIt).flatMap(({ steps }) => steps.filter((one) => one.step === step).map(({ at }) => at))
  const committed = (source: string) => all('committed', (span) => isOfPayments(span, source))
  const answer = all('replied', () => true)
  const ofCommand = [...committed(topicNames.commands), ...answer]
  // What the other person's task decides is visible with that task's own transaction.
  const ofOtherSide = committed(topicNames.requestsRepartition)
  const credited = isPositive(value) ? committed(topicNames.transactions) : []
  switch (topic) {
    case topicNames.commands:
      return (
        earliest([...all('acknowledged', () => true), ...all('read', (span) => isOfPayments(span, topic))]) ?? timestamp
      )
    case topicNames.activities:
      return earliest(all('committed', tellsActivity))
    case topicNames.transactions:
      return earliest(ofCommand)
    case topicNames.replies:
      return earliest(answer) ?? earliest(ofOtherSide) ?? earliest(ofCommand) ?? timestamp
    case topicNames.paymentRequests:
      return earliest(ofOtherSide) ?? earliest(ofCommand)
    default:
      return earliest(credited) ?? earliest(ofCommand)
  }
}

function earliest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times)
}

function tellsActivity({ service, source }: Span): boolean {
  return service.includes('statistics') && source.topic !== topicNames.balanceHistories
}

/** A transaction of the payments topology that read this topic. */
function isOfPayments({ service, source, steps }: Span, topic: string): boolean {
  return source.topic === topic && !service.includes('statistics') && steps.some(({ step }) => step === 'committed')
}

function isPositive(value: unknown): boolean {
  const { amount } = Object(value) as { readonly amount?: unknown }
  return typeof amount === 'number' && amount > 0
}

/** Records of one topic that could be read from the same moment on are one hop. */
function mergedByLane(hops: readonly Hop[]): Hop[] {
  const groups = Map.groupBy(hops, ({ lane, from }) => `${lane} ${from}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const records = group.flatMap((hop) => hop.records)
    const words = t('travel.readable', { count: records.length })
    return [{ ...first, words, records }]
  })
}

/** The clock of another device may differ: then the gateway's part is put into the middle of the browser's. */
function hopsOfBrowser(own: OwnTimes | undefined, spans: readonly Span[]): Hop[] {
  const steps = spans.find((span) => span.steps.some(({ step }) => step === 'received'))?.steps
  const received = steps?.find(({ step }) => step === 'received')?.at
  const answered = steps?.find(({ step }) => step === 'answered')?.at
  if (own === undefined || received === undefined || answered === undefined) return []
  const isWithin = own.sentAt <= received && answered <= own.answeredAt
  const shift = isWithin ? 0 : (received + answered - own.sentAt - own.answeredAt) / 2
  const [from, to] = [own.sentAt + shift, own.answeredAt + shift]
  const words = t(isWithin ? 'travel.sends' : 'travel.sendsMoved')
  return [{ lane: 'browser', words, from, to, records: [] }]
}

/** “0.4 ms”, “12 ms”, “1.3 s”. */
export function spanWords(ms: number): string {
  if (ms < 10) return t('times.milliseconds', { ms: withDecimals(ms, 1) })
  if (ms < 1_000) return t('times.milliseconds', { ms: Math.round(ms) })
  return t('times.seconds', { seconds: withDecimals(ms / 1_000, 1) })
}
