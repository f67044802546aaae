/** What is printed. Anybody can write what became a dead letter: nothing of it reaches the terminal as control characters. */
import { headerNames } from '@streampay/domain'
import type { Letter } from './letters.ts'
import { expectsAnswer, type Replayed } from './replay.ts'

const maxListedChars = 120
const maxShownChars = 20_000

export function listed({ id, origin, reason, record, headers }: Letter): string {
  const model = headers[headerNames.domainModel]?.toString('utf8') ?? 'record'
  const place = `${origin.topic}/${origin.partition}/${origin.offset}`
  const key = record.key === null ? '(no key)' : textOf(record.key)
  const line = `${id}  ${timeOf(record.timestamp)}  ${place}  ${harmless(model)} of ${key}: ${harmless(reason)}`
  return line.length > maxListedChars ? `${line.slice(0, maxListedChars - 1)}…` : line
}

export function shown({ id, origin, reason, stack, truncatedFromBytes, record, headers }: Letter): string {
  const lines = [
    `dead letter ${id}`,
    `  origin  ${origin.topic}/${origin.partition}/${origin.offset}, ${timeOf(record.timestamp)}`,
    `  reason  ${harmless(reason)}`,
    ...(truncatedFromBytes === undefined ? [] : [`  cut     from ${truncatedFromBytes} bytes`]),
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
  return new Date(ms).toISOString()
}

/** UTF-8 as it is, other bytes as hexadecimal digits. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return harmless(Buffer.from(text).equals(bytes) ? text : `0x${bytes.toString('hex')}`)
}

function harmless(text: string): string {
  const cut = text.length > maxShownChars ? `${text.slice(0, maxShownChars)}… (${text.length} characters)` : text
  return cut.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}
