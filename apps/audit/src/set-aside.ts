/**
 * What an operator has set aside (`npm run repair`): it counts as not being on the log, for the whole audit as for all topologies and
 * views.
 */
import { type SetAsideNote, setAsideNote } from '@streampay/domain'
import type { ReceivedRecord, TopicPartition } from '@streampay/kafka'
import { decode } from './read-topic.ts'

export class SetAside {
  /** In the order of their offsets. */
  readonly notes: readonly SetAsideNote[]

  /** @throws UnreadableError for a record that is no note and was not taken back */
  constructor(records: readonly ReceivedRecord[]) {
    const newest = new Map(records.map((record) => [record.key?.toString('utf8') ?? '', record]))
    const standing = [...newest.values()].filter(({ value }) => value !== null)
    const notes = standing.map((record) => decode<SetAsideNote>(record, setAsideNote).value)
    this.notes = notes.sort((left, right) => (placeOf(left) < placeOf(right) ? -1 : 1))
  }

  has({ topic, partition, offset }: TopicPartition & { readonly offset: number }): boolean {
    return this.notes.some(
      (note) =>
        note.topic === topic && note.partition === partition && note.offset <= offset && offset <= note.lastOffset,
    )
  }
}

export function placeOf({ topic, partition, offset }: SetAsideNote): string {
  return `${topic}-${partition}@${offset}`
}
