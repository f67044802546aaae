/**
 * The texts of queries that are more than texts. A schema tells them by a pattern, which is no sentence for people: each has
 * words here, which stand in the OpenAPI document and in the answer to a text that is another.
 */
import { String as Text } from 'typebox'

const rules = {
  zeroTo1000: { pattern: '^(0|[1-9][0-9]{0,2}|1000)$', words: 'a whole number from 0 to 1000' },
  oneTo1000: { pattern: '^([1-9][0-9]{0,2}|1000)$', words: 'a whole number from 1 to 1000' },
  oneTo100: { pattern: '^([1-9][0-9]?|100)$', words: 'a whole number from 1 to 100' },
  partition: { pattern: '^[0-9]{1,4}$', words: 'the number of a partition' },
  topicPosition: {
    pattern: '^(beginning|end|(offset|time):[0-9]{1,15})$',
    words: 'beginning, end, offset:N or time:MS',
  },
} as const

const wordsByPattern: ReadonlyMap<unknown, string> = new Map(
  Object.values(rules).map(({ pattern, words }) => [pattern, words]),
)

/** @param more stands behind the words in the document */
export function queryText(name: keyof typeof rules, more = '') {
  const { pattern, words } = rules[name]
  return Text({ pattern, description: `${words}${more}` })
}

/** What a text of this pattern is, to be read behind "must be". */
export function wordsOfPattern(pattern: unknown): string | undefined {
  return wordsByPattern.get(pattern)
}
