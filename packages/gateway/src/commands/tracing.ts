/**
 * Traces of commands (W3C Trace Context). A command whose trace is sampled is followed: its record carries the flag, services that process
 * it tell when they did what, and so does the gateway, on the topic of spans. What is sampled is bounded, of one person too, so that the
 * cost of it does not grow with the load; of any other command the trace goes on without the flag.
 */
import { type BackgroundSender, headerText, type ReceivedRecord, type RecordMetadata } from '@streampay/kafka'
import { newTraceparent, openSampler, readTraceparent, type TraceContext, wallClock } from '@streampay/process'
import type { Gateway } from '../definition/definition.ts'
import type { Clock } from '../shared/clock.ts'
import { randomBytesOf } from '../shared/random-pool.ts'

type Step = { readonly step: 'received' | 'acknowledged' | 'replied' | 'answered' | 'shown'; readonly at: number }
type Place = { readonly topic: string; readonly partition: number; readonly offset: number }

/** Of one command. */
export type CommandTrace = {
  readonly traceparent: string
  acknowledged(place: RecordMetadata): void
  replied(): void
  /** The answer is with the operating system. */
  answered(): void
}

export type Tracing = {
  /** @param header that of the client, which may have a trace of its own; one with the flag off is not sampled */
  begin(header: string | readonly string[] | undefined, subject: string): CommandTrace
  /** A view shows a record to its owner. */
  shown(record: ReceivedRecord, owner: string): void
}

export type TracingOptions = {
  readonly gateway: Pick<Gateway, 'spanTopic' | 'headers' | 'limits'>
  /** Which gateway this is. */
  readonly service: string
  readonly sender: Pick<BackgroundSender, 'add'>
  readonly clock: Pick<Clock, 'elapsed'>
}

export function openTracing({ gateway, service, sender, clock }: TracingOptions): Tracing {
  const { spanTopic, headers: names, limits } = gateway
  const { tracesPerSecond: perSecond, tracesPerSecondOfOne: perSecondOfOne } = limits
  const sampler = openSampler({ perSecond, perSecondOfOne, elapsed: clock.elapsed })

  function tell(owner: string, span: { traceId: string; source: Place; steps: readonly Step[] }): void {
    if (spanTopic === undefined) return
    const value = JSON.stringify({ ...span, service })
    sender.add({ topic: spanTopic, key: owner, value, headers: { [names.contentType]: 'application/json' } })
  }

  return {
    begin(header, subject) {
      const given = typeof header === 'string' ? readTraceparent(header) : undefined
      // A trace that is followed elsewhere alone goes on as it is.
      if (spanTopic === undefined || given?.isSampled === false) return notFollowed(header, given)
      if (!sampler.take(subject)) return notFollowed(undefined, given)
      const traceparent = given === undefined ? newTraceparent(randomBytesOf(24), { isSampled: true }) : String(header)
      const traceId = given?.traceId ?? readTraceparent(traceparent)?.traceId ?? ''
      return followed(traceparent, (source, steps) => tell(subject, { traceId, source, steps }))
    },

    shown({ topic, partition, offset, headers }, owner) {
      const traceparent = headerText(headers, names.traceparent)
      const trace = readTraceparent(traceparent)
      if (trace?.isSampled !== true) return
      tell(owner, {
        traceId: trace.traceId,
        source: { topic, partition, offset },
        steps: [{ step: 'shown', at: wallClock() }],
      })
    },
  }
}

/** @param kept the header, if it is valid and goes on; else the trace goes on without the flag, or a new one begins without it */
function notFollowed(kept: unknown, given: TraceContext | undefined): CommandTrace {
  const isKept = given !== undefined && typeof kept === 'string'
  const { traceId } = given ?? {}
  const traceparent = isKept
    ? kept
    : newTraceparent(randomBytesOf(24), { isSampled: false, ...(traceId === undefined ? {} : { traceId }) })
  return { traceparent, acknowledged: () => undefined, replied: () => undefined, answered: () => undefined }
}

/** Tells its span once it is both on the log and answered, in whichever order that comes. */
function followed(traceparent: string, tell: (source: Place, steps: readonly Step[]) => void): CommandTrace {
  const steps: Step[] = []
  let place: Place | undefined
  let isAnswered = false
  const note = (step: Step['step']) => {
    steps.push({ step, at: wallClock() })
    if (place === undefined || !isAnswered) return
    tell(
      place,
      steps.toSorted((a, b) => a.at - b.at),
    )
  }
  note('received')
  return {
    traceparent,
    acknowledged({ topic, partition, offset }) {
      place = { topic, partition, offset }
      note('acknowledged')
    },
    replied: () => note('replied'),
    answered() {
      isAnswered = true
      note('answered')
    },
  }
}
