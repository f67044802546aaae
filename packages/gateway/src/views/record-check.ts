/**
 * Which records a view may show: those whose value is JSON of the topic's schema and, on topics that anybody may write,
 * that stand where their key belongs and that the topic's definition believes. Whatever else was written is passed over
 * and counted.
 */
import { isUtf8 } from 'node:buffer'
import { partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import { Compile } from 'typebox/compile'
import type { TopicRecord, TopicSpec } from '../definition/definition.ts'
import type { ViewRecord } from './view-record.ts'

/** Why a record is passed over; undefined if it is fine. A tombstone has no value to check. */
export type RecordCheck = (record: ViewRecord, received: ReceivedRecord, partitionCount: number) => string | undefined

export function checkOf(topic: TopicSpec): RecordCheck {
  const schema = Compile(topic.valueSchema)
  return (record, received, partitionCount) => {
    const misplaced = topic.faultOf === undefined ? undefined : misplacement(received, partitionCount)
    if (misplaced !== undefined) return misplaced
    const value = record.value === null ? null : parse(record.value)
    if (value === undefined) return 'its value is not JSON'
    if (record.value !== null && !schema.Check(value)) return "its value does not satisfy the topic's schema"
    return topic.faultOf?.({ key: record.key, value, header: headersOf(received) })
  }
}

/** What nobody who means it well would write. */
function misplacement({ key, value, partition }: ReceivedRecord, partitionCount: number): string | undefined {
  if (key === null || !isUtf8(key)) return 'its key is not text'
  if (partitionForKey(key, partitionCount) !== partition) return 'it is not in the partition of its key'
  return value === null || isUtf8(value) ? undefined : 'its value is not UTF-8'
}

/** The last header of a name counts. */
function headersOf({ headers }: ReceivedRecord): TopicRecord['header'] {
  return (name) => headers.findLast(([other]) => other === name)?.[1]?.toString('utf8')
}

/** Undefined, which JSON cannot say, if the text is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
