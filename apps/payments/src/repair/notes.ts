/** The notes about set-aside records, on their topic. */
import { matches, type SetAsideNote, setAsideNote, topicNames } from '@streampay/domain'
import { type Cluster, openAdmin, openProducer, type ReceivedRecord, readBetween } from '@streampay/kafka'
import { setAsideKey } from '@streampay/streams'
import { jsonHeaders, jsonSerde, parseJson } from '../serdes.ts'

const noteSerde = jsonSerde(setAsideNote)

/** Resolves when the note is on the log. @throws KafkaError */
export async function writeNote(cluster: Cluster, note: SetAsideNote): Promise<void> {
  const producer = openProducer(cluster)
  try {
    const value = noteSerde.encode(note)
    await producer.send([{ topic: topicNames.setAside, key: setAsideKey(note), value, headers: jsonHeaders }])
  } finally {
    await producer.close()
  }
}

/** Every note, oldest first. @throws KafkaError, Error for a record that is no note and was not deleted */
export async function readNotes(cluster: Cluster): Promise<SetAsideNote[]> {
  const admin = openAdmin(cluster)
  const { partitions } = await cluster.topic(topicNames.setAside)
  const places = partitions.map(({ partition }) => ({ topic: topicNames.setAside, partition }))
  const starts = await admin.listOffsets(places, 'earliest')
  const ends = await admin.listOffsets(places, 'latest')
  const ranges = ends.map(({ offset: end, ...at }, index) => ({ ...at, start: starts[index]?.offset ?? 0, end }))
  const newest = new Map<string, ReceivedRecord>()
  for await (const records of readBetween(cluster, ranges)) {
    for (const record of records) {
      const name = record.key?.toString('utf8') ?? ''
      newest.delete(name)
      if (record.value !== null) newest.set(name, record)
    }
  }
  return [...newest.values()].map(noteOf)
}

function noteOf({ topic, partition, offset, value }: ReceivedRecord): SetAsideNote {
  try {
    const note = parseJson(value)
    if (matches(setAsideNote, note)) return note
  } catch {
    // Reported below, with the place.
  }
  throw new Error(`The record at ${topic}/${partition}/${offset} is not a note.`)
}
