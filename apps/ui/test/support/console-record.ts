import type { TopicRecord } from '../../src/api/types.ts'

/** Records as the gateway's console gives them, and the names of the people in them. */
export type RecordHeaders = Readonly<Record<string, string>>

export function record(
  topic: string,
  value: unknown,
  more: { key?: string; headers?: RecordHeaders; offset?: number } = {},
): TopicRecord {
  const { key = 'ada', headers = {}, offset = 5 } = more
  const text = value === null ? null : { text: JSON.stringify(value) }
  const rawHeaders = Object.entries(headers).map(([name, content]) => ({ name, value: { text: content } }))
  const raw = { key: { text: key }, headers: rawHeaders, value: text }
  return { topic, partition: 1, offset, timestamp: Date.UTC(2026, 10, 30, 8), key, headers, value, size: 10, raw }
}

const names: Readonly<Record<string, string>> = { ada: 'Ada', greta: 'Greta', 'streampay:treasury': 'StreamPay' }
export const nameOf = (id: string) => names[id] ?? id
/** Names and notes keep their direction by invisible marks. */
export const plain = (sentence: string | undefined) => sentence?.replaceAll(/[\u2068\u2069]/g, '')
