/**
 * Traces of commands (W3C Trace Context). A command whose trace is sampled is followed: its record has the flag; the services that
 * process it, and the gateway, write the times of their steps to the topic of spans. The number of samples is limited, also for each
 * person, so that the cost does not grow with the load; other commands continue their trace without the flag.
 */
import { type BackgroundSender, headerText, type ReceivedRecord, type RecordMetadata } from '@streampay/kafka'
import { newTraceparent, openSampler, readTraceparent, type TraceContext, wallClock } from '@streampay/process'
import type { Gateway } from '../definition/definition.ts'
import type { Clock } from '../shared/clock.ts'
import { randomBytesOf } from '../shared/random-pool.ts'

type Step = { readonly step: 'received' | 'acknowledged' | 'replied' | 'answered' | 'shown'; readonly at: number }
type Place = { readonly topic: string; readonly partition: number; readonly offset: number }

/** The trace of one command. */
export type CommandTrace = {
  readonly traceparent: string
  acknowledged(place: RecordMetadata): void
  replied(): void
  /** The response was given to the operating system. */
  answered(): void
}

export type Tracing = {
  /** @param header the client's header, which may have a trace; one with the flag off is not sampled */
  begin(header: string | readonly string[] | undefined, subject: string): CommandTrace
  /** A view shows a record to its owner. */
  shown(record: ReceivedRecord, owner: string): void
}

export type TracingOptions = {
  readonly gateway: Pick<Gateway, 'spanTopic' | 'headers' | 'limits'>
  /** The name of this gateway. */
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
      // A trace that only other systems follow continues unchanged.
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

/** @param kept the header, if it is valid and continues; otherwise the trace continues without the flag, or a new one begins without it */
function notFollowed(kept: unknown, given: TraceContext | undefined): CommandTrace {
  const isKept = given !== undefined && typeof kept === 'string'
  const { traceId } = given ?? {}
  const traceparent = isKept
    ? kept
    : newTraceparent(randomBytesOf(24), { isSampled: false, ...(traceId === undefined ? {} : { traceId }) })
  return { traceparent, acknowledged: () => undefined, replied: () => undefined, answered: () => undefined }
}

/** Writes the span once the command is both on the log and answered, in any order. */
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
