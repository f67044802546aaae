/**
 * Which records a view may show: those whose value is JSON of the topic's schema and, on topics that anybody may write,
 * that stand where their key belongs and say the same id inside. Whatever else was written is passed over and counted.
 */
import { partitionForKey } from '@streampay/kafka'
import { Compile } from 'typebox/compile'
import type { TopicSpec } from '../definition/definition.ts'
import type { ViewRecord } from './view-record.ts'

/** Why a record is passed over; undefined if it is fine. Tombstones have no value to check. */
export type RecordCheck = (record: ViewRecord, partitionCount: number) => string | undefined

export function checkOf(topic: TopicSpec): RecordCheck {
  const schema = Compile(topic.valueSchema)
  return (record, partitionCount) => {
    if (
      topic.keyMember !== undefined &&
      partitionForKey(Buffer.from(record.key), partitionCount) !== record.partition
    ) {
      return 'it is not in the partition of its key'
    }
    if (record.value === null) return undefined
    const value = parse(record.value)
    if (value === undefined) return 'its value is not JSON'
    if (!schema.Check(value)) return "its value does not satisfy the topic's schema"
    if (topic.keyMember === undefined) return undefined
    return Reflect.get(Object(value), topic.keyMember) === record.key
      ? undefined
      : `its ${topic.keyMember} is not its key`
  }
}

/** Undefined, which JSON cannot say, if the text is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
