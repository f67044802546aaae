/** Prints a record. No part of it reaches the terminal as control characters. */
import type { SetAsideNote } from '@streampay/domain'
import { type ReceivedRecord, UndecodableBatchError } from '@streampay/kafka'
import type { Stop } from '@streampay/streams'

const maxShownBytes = 2_000
/** Bytes as two digits each. */
const maxHexBytes = 1_000

export function placeOf({ topic, partition, offset }: Pick<Stop, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`
}

/** @param record undefined if the record can't be read, for example in a batch that cannot be decoded */
export function shown(application: string, stop: Stop, record: ReceivedRecord | undefined): string {
  const { error, kind, task, lastOffset, offset } = stop
  const use = kind === 'source' ? 'to be processed by' : 'to restore'
  const lines = [
    `${placeOf(stop)}${lastOffset === offset ? '' : ` to ${lastOffset}`} stops ${application}: it is ${use} task ${task}`,
    `  why      ${harmless(error.message)}`,
    ...(error.cause instanceof Error ? [`           ${harmless(error.cause.message)}`] : []),
    ...(record === undefined ? batchLines(error) : recordLines(record)),
    `  set it aside with: npm run repair -- --set-aside ${placeOf(stop)} --reason "…"`,
  ]
  return lines.join('\n')
}

function batchLines(error: Error): string[] {
  if (!(error instanceof UndecodableBatchError)) return ['  record   there is none any more']
  const { bytes, sizeInBytes } = error.batch
  return [`  batch    ${sizeInBytes} bytes that cannot be decoded`, `  bytes    ${hexOf(bytes)}`]
}

function recordLines({ key, value, headers, timestamp }: ReceivedRecord): string[] {
  return [
    `  time     ${timeOf(timestamp)}`,
    `  key      ${key === null ? '(none)' : textOf(key)}`,
    ...headers.map(
      ([name, content]) => `  header   ${harmless(name)}: ${content === null ? '(null)' : textOf(content)}`,
    ),
    ...(value === null
      ? ['  value    (none)']
      : [`  bytes    ${value.length}: ${hexOf(value)}`, `  text     ${textOf(value)}`, `  parsed   ${parsed(value)}`]),
  ]
}

export function listed({ topic, partition, offset, lastOffset, reason, at }: SetAsideNote): string {
  const upTo = lastOffset === offset ? '' : ` to ${lastOffset}`
  return `${topic}/${partition}/${offset}${upTo}  ${timeOf(at)}  ${harmless(reason)}`
}

function parsed(value: Buffer): string {
  try {
    return harmless(JSON.stringify(JSON.parse(value.toString('utf8'))).slice(0, maxShownBytes))
  } catch (error) {
    return `not as JSON: ${harmless(error instanceof Error ? error.message : String(error))}`
  }
}

function timeOf(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}

function hexOf(bytes: Buffer): string {
  return cut(bytes.subarray(0, maxHexBytes).toString('hex'), bytes.length > maxHexBytes)
}

function textOf(bytes: Buffer): string {
  return cut(harmless(bytes.subarray(0, maxShownBytes).toString('utf8')), bytes.length > maxShownBytes)
}

function cut(text: string, isCut: boolean): string {
  return isCut ? `${text}…` : text
}

function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}
