/**
 * The records that a view may show: those whose value is JSON of the topic's schema and, on topics that any client may write,
 * those that are in the partition of their key and that the topic's definition accepts. All other records are skipped
 * and counted.
 */
import { isUtf8 } from 'node:buffer'
import { parseStrictText } from '@streampay/json'
import { headerText, partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import { Compile } from 'typebox/compile'
import type { TopicRecord, TopicSpec } from '../definition/definition.ts'
import type { ViewRecord } from './view-record.ts'

/** The parsed value (`null` for a tombstone, which is not checked), or the reason why the record is skipped. */
export type CheckedRecord = { readonly value: unknown } | { readonly fault: string }
export type RecordCheck = (record: ViewRecord, received: ReceivedRecord, partitionCount: number) => CheckedRecord

export function checkOf(topic: TopicSpec): RecordCheck {
  const schema = Compile(topic.valueSchema)
  // Records that only one service writes are parsed without further checks, which takes half the time.
  const parse = topic.faultOf === undefined ? parsePlain : parseStrict
  return (record, received, partitionCount) => {
    const misplaced = topic.faultOf === undefined ? undefined : misplacement(received, partitionCount)
    if (misplaced !== undefined) return { fault: misplaced }
    const read = record.value === null ? { value: null } : parse(record.value)
    if ('fault' in read) return read
    const { value } = read
    if (record.value !== null && !schema.Check(value)) return { fault: "its value does not satisfy the topic's schema" }
    const fault = topic.faultOf?.({ key: record.key, value, header: headersOf(received) })
    return fault === undefined ? { value } : { fault }
  }
}

/** Records that only an attacker would write. */
function misplacement({ key, value, partition }: ReceivedRecord, partitionCount: number): string | undefined {
  if (key === null || !isUtf8(key)) return 'its key is not text'
  if (partitionForKey(key, partitionCount) !== partition) return 'it is not in the partition of its key'
  return value === null || isUtf8(value) ? undefined : 'its value is not UTF-8'
}

function headersOf({ headers }: ReceivedRecord): TopicRecord['header'] {
  return (name) => headerText(headers, name)
}

function parsePlain(text: string): CheckedRecord {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { fault: 'its value is not JSON' }
  }
}

/** Views show the text unchanged: of repeated members, another reader could take the one that was not checked here. */
function parseStrict(text: string): CheckedRecord {
  const read = parseStrictText(text)
  if ('value' in read) return read
  const { field, message } = read.fault
  return { fault: `its value is not strictly JSON: ${field} ${message}` }
}
