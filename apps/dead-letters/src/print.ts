/** The printed output. Anyone can write a record that becomes a dead letter, so its control characters are not printed to the terminal. */
import { headerNames } from '@streampay/domain'
import type { Letter } from './letters.ts'
import { expectsAnswer, type Replayed } from './replay.ts'

/** The least width of a terminal. */
const maxListedChars = 80
const maxShownChars = 20_000

/** Two lines: its origin, and the reason. A long key does not shorten the reason. */
export function listed({ id, origin, reason, record, headers }: Letter): string {
  const model = headers[headerNames.domainModel]?.toString('utf8') ?? 'record'
  const place = `${origin.topic}/${origin.partition}/${origin.offset}`
  const key = record.key === null ? '(no key)' : textOf(record.key)
  const from = `${id}  ${timeOf(record.timestamp)}  ${place}  ${harmless(model)} of ${key}`
  return `${asLine(from)}\n${asLine(`      ${harmless(reason)}`)}`
}

function asLine(text: string): string {
  return text.length > maxListedChars ? `${text.slice(0, maxListedChars - 1)}…` : text
}

export function shown(letter: Letter): string {
  const { id, origin, reason, stack, truncatedFromBytes, cut, unanswered, undecodable, record, headers } = letter
  const lines = [
    `dead letter ${id}`,
    `  origin  ${origin.topic}/${origin.partition}/${origin.offset}, ${timeOf(record.timestamp)}`,
    `  reason  ${harmless(reason)}`,
    ...(unanswered === undefined ? [] : [`  no answer  ${harmless(unanswered)}`]),
    ...(undecodable === undefined
      ? []
      : [`  batch   of offsets ${undecodable.baseOffset} to ${undecodable.lastOffset}`]),
    ...(truncatedFromBytes === undefined ? [] : [`  cut     from ${truncatedFromBytes} bytes`]),
    ...(cut === undefined ? [] : [`  lacks   ${harmless(cut)}`]),
    ...(stack === undefined ? [] : ['  stack', ...stack.split('\n').map((line) => `    ${harmless(line.trim())}`)]),
    `  key     ${record.key === null ? '(none)' : textOf(record.key)}`,
    '  headers',
    ...Object.entries(headers).map(([name, value]) => `    ${harmless(name)}: ${textOf(value)}`),
    '  value',
    `    ${record.value === null ? '(none)' : textOf(record.value)}`,
  ]
  return lines.join('\n')
}

export function replayed({ letter, place, fault, answer }: Replayed, waitMs: number): string {
  if (place === undefined) return `${letter.id}  ${fault ?? 'perhaps written'}`
  if (!expectsAnswer(letter)) return `${letter.id}  is ${place}`
  if (answer === undefined) return `${letter.id}  is ${place}, not answered within ${waitMs} ms`
  const detail = answer.detail === undefined ? '' : `: ${harmless(answer.detail)}`
  return `${letter.id}  is ${place}, answered with ${answer.status}${detail}`
}

function timeOf(ms: number): string {
  const date = new Date(ms)
  // A producer may write any number as the timestamp.
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}

/** UTF-8 unchanged, other bytes as hexadecimal digits. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return harmless(Buffer.from(text).equals(bytes) ? text : `0x${bytes.toString('hex')}`)
}

function harmless(text: string): string {
  const cut = text.length > maxShownChars ? `${text.slice(0, maxShownChars)}… (${text.length} characters)` : text
  return cut.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}
