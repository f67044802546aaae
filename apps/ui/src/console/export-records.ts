import type { TopicRecord } from '../api/types.ts'
import { byteOrderMark, csvText, lineOf } from '../statement/statement-csv.ts'
import { rawText, valueText } from './raw-text.ts'
import { kindOf, type NameOf, sentenceOf } from './record-sentence.ts'

/** Records as files, in the order given. */

/** One JSON object a line, each as the gateway gives it: with the raw bytes of key, headers and value. */
export function jsonLinesOf(records: readonly TopicRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('')
}

const columns = ['Time (UTC)', 'Topic', 'Partition', 'Offset', 'Kind', 'Record', 'Key', 'Headers', 'Value', 'Bytes']

/** A table for spreadsheets (RFC 4180): what the page shows, and beside it key, headers and value unchanged. */
export function csvOf(records: readonly TopicRecord[], nameOf: NameOf): string {
  const lines = records.map((record) => {
    const { timestamp, topic, partition, offset, raw, size } = record
    const headers = raw.headers.map(({ name, value }) => `${name}: ${rawText(value) ?? 'null'}`).join('; ')
    return lineOf([
      csvText(timeText(timestamp)),
      csvText(topic),
      String(partition),
      String(offset),
      csvText(kindOf(record)),
      csvText(withoutIsolates(sentenceOf(record, nameOf) ?? '')),
      csvText(rawText(raw.key) ?? ''),
      csvText(headers),
      csvText(valueText(record)),
      String(size),
    ])
  })
  return byteOrderMark + lineOf(columns.map(csvText)) + lines.join('')
}

/** A producer may write any number as the timestamp. */
function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}

/** On the page these marks keep a name in its direction; in a cell they are not needed. */
function withoutIsolates(sentence: string): string {
  return sentence.replaceAll(/[\u2068\u2069]/g, '')
}
