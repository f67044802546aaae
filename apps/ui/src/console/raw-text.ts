import type { RawBytes, TopicRecord } from '../api/types.ts'
import { t } from '../i18n/console.ts'

/**
 * Bytes as one line of text; bytes that are no UTF-8 are shown in base64, with a word that says so. Undefined if there
 * are none.
 */
export function rawText(bytes: RawBytes): string | undefined {
  if (bytes === null) return undefined
  return 'text' in bytes ? bytes.text : `base64:${bytes.base64}`
}

/**
 * A record's value as it was written; without a value, a text that the key is deleted, or that the value can't be
 * decoded.
 */
export function valueText({ raw, offset, undecodable }: TopicRecord): string {
  if (undecodable === undefined) return rawText(raw.value) ?? ''
  const { lastOffset, reason } = undecodable
  return t('records.undecodable', { first: String(offset), last: String(lastOffset), reason })
}

/** Whether the record deletes its key: it has no value, which is not the same as JSON's `null`. */
export function isTombstone({ raw, undecodable }: TopicRecord): boolean {
  return raw.value === null && undecodable === undefined
}

/**
 * Whether the parsed value says all that was written: no number was rounded, no member repeated. Text that isn't JSON
 * is shown unchanged, and so is exact.
 */
export function isParsedExactly({ raw, value }: TopicRecord): boolean {
  const text = rawText(raw.value)
  if (text === undefined || typeof value === 'string') return true
  return withoutBlanks(text) === withoutBlanks(JSON.stringify(value))
}

/** JSON without blanks between its tokens; blanks within texts stay. */
function withoutBlanks(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_all, text: string | undefined) => text ?? '')
}
