/** Counts words exactly once. The same topology runs in the test driver, as here, and in a process on a log (`runTopology`). */
import type { Serde, SinkDefinition, Topology } from '@streampay/streams'
import { openTestDriver } from '@streampay/streams/test-driver'

const number: Serde<number> = {
  encode: (value) => Buffer.from(String(value)),
  decode(bytes) {
    const value = Number(bytes.toString())
    if (!Number.isSafeInteger(value)) throw new Error(`${bytes.toString()} is not a count`)
    return value
  },
}

const totals: SinkDefinition<number> = { topic: 'totals', value: number }

const wordCount: Topology = {
  applicationId: 'word-count',
  sources: [
    {
      topic: 'words',
      priority: 0,
      onError: 'stop',
      process({ key }, context) {
        const word = String(key)
        const counts = context.store<number>('counts')
        const count = (counts.get(word) ?? 0) + 1
        counts.set(word, count)
        context.send(totals, { key: word, value: count })
        return undefined
      },
    },
  ],
  stores: [{ name: 'counts', value: number }],
  tables: [],
  sinks: [totals],
}

const driver = openTestDriver(wordCount, { partitionCount: 4 })
const say = (words: string, options = {}) =>
  driver.pipe(
    words.split(' ').map((word) => ({ topic: 'words', key: word, value: word })),
    options,
  )
say('to be or not to be')
// An aborted transaction leaves nothing behind, and is done again with the next one.
say('to be', { abort: true })
driver.settle()
// As after a kill: what is known comes from the changelogs.
driver.restart()
say('be')

const latest = new Map(driver.records('totals').map(({ key, json }) => [key, json]))
console.log(
  [...latest]
    .sort()
    .map(([word, count]) => `${word}: ${count}`)
    .join(', '),
)
