/** The text of a record's header, the last one of its name. */
import type { ReceivedRecord } from '@streampay/kafka'

export function textHeader(record: ReceivedRecord, name: string): string | undefined {
  return record.headers.findLast(([header]) => header === name)?.[1]?.toString('utf8')
}
