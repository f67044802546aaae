/**
 * The texts of queries that are more than texts. A schema tells them by a pattern, which is no sentence for people: each has
 * words here, which stand in the OpenAPI document and in the answer to a text that is another.
 */
import { String as Text } from 'typebox'
import { ProblemError } from './problem.ts'

const rules = {
  zeroTo1000: { pattern: '^(0|[1-9][0-9]{0,2}|1000)$', words: 'a whole number from 0 to 1000' },
  oneTo1000: { pattern: '^([1-9][0-9]{0,2}|1000)$', words: 'a whole number from 1 to 1000' },
  oneTo100: { pattern: '^([1-9][0-9]?|100)$', words: 'a whole number from 1 to 100' },
  time: { pattern: '^(0|[1-9][0-9]{0,14})$', words: 'a time in milliseconds since the epoch' },
  month: { pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', words: 'a month, as 2026-11' },
  partition: { pattern: '^[0-9]{1,4}$', words: 'the number of a partition' },
  topicPosition: {
    pattern: '^(beginning|end|newest:([1-9][0-9]?|[1-4][0-9]{2}|500)|(offset|time):[0-9]{1,15})$',
    words: 'beginning, end, newest:N (N from 1 to 500), offset:N or time:MS',
  },
} as const

const wordsByPattern: ReadonlyMap<unknown, string> = new Map(
  Object.values(rules).map(({ pattern, words }) => [pattern, words]),
)

export type QueryTextName = keyof typeof rules

/** @param more stands behind the words in the document */
export function queryText(name: QueryTextName, more = '') {
  const { pattern, words } = rules[name]
  return Text({ pattern, description: `${words}${more}` })
}

/** What a text of this pattern is, to be read behind "must be". */
export function wordsOfPattern(pattern: unknown): string | undefined {
  return wordsByPattern.get(pattern)
}

/** Of a path's `{partition}/{offset}`. @throws ProblemError 404 for what is no place on any topic */
export function letterPlaceOf(params: Readonly<Record<string, string>>): {
  readonly partition: number
  readonly offset: number
} {
  const { partition = '', offset = '' } = params
  if (!/^\d{1,4}$/.test(partition) || !/^\d{1,15}$/.test(offset)) {
    throw new ProblemError('not-found', `There is no dead letter ${partition}/${offset}.`)
  }
  return { partition: Number(partition), offset: Number(offset) }
}
