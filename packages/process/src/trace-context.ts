/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/), version 00: `00-<trace id>-<parent id>-<flags>`, in lower-case
 * hexadecimal. Only the flag `sampled` has a meaning here: whether services measure their work for this trace.
 */
/** The content of a `traceparent`. */
export type TraceContext = {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string
  /** Whether its flag `sampled` is set. */
  readonly isSampled: boolean
}

const form = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/
const sampledFlag = 1

/** Undefined if the text isn't a valid `traceparent`. */
export function readTraceparent(text: string | undefined): TraceContext | undefined {
  const [, traceId, flags] = form.exec(text ?? '') ?? []
  if (traceId === undefined || flags === undefined) return undefined
  return { traceId, isSampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0 }
}

/**
 * A `traceparent` with a new parent id: of a new trace, or of one that continues.
 * @param random 24 random bytes for a new trace, or 8 for another step of the trace `traceId`
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { newTraceparent, readTraceparent } from '@streampay/process'
 *
 * const first = newTraceparent(randomBytes(24), { isSampled: true })
 * const trace = readTraceparent(first)
 * const next = trace && newTraceparent(randomBytes(8), trace)
 * console.log(readTraceparent(next)?.traceId === trace?.traceId, trace?.isSampled) // → true true
 * ```
 */
export function newTraceparent(
  random: Buffer,
  { traceId = random.toString('hex', 8, 24), isSampled }: { readonly traceId?: string; readonly isSampled: boolean },
): string {
  return `00-${traceId}-${random.toString('hex', 0, 8)}-${isSampled ? '01' : '00'}`
}
