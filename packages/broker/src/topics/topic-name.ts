import { errors } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'

const maxNameLength = 249

/** Kafka's rule for topic names. @throws ApiError INVALID_TOPIC_EXCEPTION with the reason. */
export function checkTopicName(name: string): void {
  const wrong = problemOf(name)
  if (wrong !== undefined) throw new ApiError(errors.INVALID_TOPIC_EXCEPTION, `Topic name ${wrong}`)
}

/** The coordinators' own topics; clients may read but not write or delete them. */
export function isInternalTopic(name: string): boolean {
  return name.startsWith('__')
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name === '.' || name === '..') return `cannot be "${name}"`
  if (name.length > maxNameLength) return `is ${name.length} characters long, more than ${maxNameLength}`
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return `"${name}" has characters other than ASCII letters, digits, '.', '_' and '-'`
  return undefined
}
