import { topicNames } from '@streampay/domain'
import type { TopicRecord } from '../api/types.ts'

/** Topics to which a record may be written by hand. The gateway decides by the domain's list; a test holds the two equal. */
export const writableTopics: readonly string[] = [topicNames.commands, topicNames.users]

/** A record that could not be processed, with what its dead letter says about it. */
export type Letter = {
  /** Its place on the topic of dead letters, partition/offset: the name that `npm run dead-letters` takes. */
  readonly id: string
  readonly letter: TopicRecord
  readonly origin: string
  readonly reason: string
  readonly stack: string | undefined
  /** Why its sender got no answer, if answering failed too. */
  readonly unanswered: string | undefined
  /** The parts of the record that the letter lacks. */
  readonly cut: string | undefined
  /** The original record, as far as the letter has it. */
  readonly record: TopicRecord
}

/** The headers that packages/streams adds to those of the record. */
const own = { origin: 'origin', reason: 'reason', stack: 'stack', unanswered: 'unanswered', cut: 'cut' } as const

/** @returns undefined for a record that is no dead letter */
export function letterOf(letter: TopicRecord): Letter | undefined {
  const { headers, partition, offset } = letter
  const [, topic, originPartition, originOffset] = /^([^/]+)\/(\d+)\/(\d+)$/.exec(headers[own.origin] ?? '') ?? []
  if (topic === undefined) return undefined
  return {
    id: `${partition}/${offset}`,
    letter,
    origin: `${topic}/${originPartition}/${originOffset}`,
    reason: headers[own.reason] ?? '',
    stack: headers[own.stack] ?? undefined,
    unanswered: headers[own.unanswered] ?? undefined,
    cut: headers[own.cut] ?? undefined,
    record: { ...letter, topic, partition: Number(originPartition), offset: Number(originOffset) },
  }
}

/** Whether a letter's origin, reason or record key contains the text. */
export function letterHas({ origin, reason, letter }: Letter, text: string): boolean {
  const wanted = text.trim().toLowerCase()
  return [origin, reason, letter.key ?? ''].some((candidate) => candidate.toLowerCase().includes(wanted))
}

export type HeaderLine = { readonly name: string; readonly value: string }

/**
 * Headers as a person types them, one a line: `name: value`. A name may have colons in it, so it ends at a colon with a blank after it.
 * @returns the headers, or the number of the first line that is no header, from 1
 */
export function headersFrom(text: string): { readonly headers: readonly HeaderLine[] } | { readonly badLine: number } {
  const headers: HeaderLine[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const [, name, value] = /^\s*(\S+?):\s(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) return { badLine: index + 1 }
    headers.push({ name, value: value.trim() })
  }
  return { headers }
}
