/**
 * Formats of query texts. A schema expresses them as a pattern, which people can't read easily: each has
 * words here, which are used in the OpenAPI document and in the answer to a text of another format.
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

/** The forms of query parameters that the gateway has words for. */
export type QueryTextName = keyof typeof rules

/** @param more text after the words in the document */
export function queryText(name: QueryTextName, more = '') {
  const { pattern, words } = rules[name]
  return Text({ pattern, description: `${words}${more}` })
}

/** The words for texts of this pattern, to follow "must be". */
export function wordsOfPattern(pattern: unknown): string | undefined {
  return wordsByPattern.get(pattern)
}

/** For a path's `{partition}/{offset}`. @throws ProblemError 404 for an impossible place */
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
