/** Refuses the names and values of a topic's configuration that Apache Kafka refuses. */
import { errors } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import { type ConfigDefinition, configDefinition, int32Max, long } from './topic-config.ts'

/** @throws ApiError INVALID_CONFIG with the first wrong name or value, and the allowed ones. */
export function checkTopicConfig(config: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(config)) checkValue(name, value)
}

function checkValue(name: string, text: string): void {
  const definition = configDefinition(name)
  if (definition === undefined) throw invalid(`Unknown topic config name: ${name}`)
  const wrong = (expected: string) => invalid(`Invalid value ${text} for configuration ${name}: expected ${expected}`)
  const value = text.trim()
  if (value === definition.special) return
  switch (definition.type) {
    case 'boolean':
      checkBoolean(definition, value.toLowerCase(), wrong)
      return
    case 'int':
    case 'long':
      if (!/^[+-]?\d{1,19}$/.test(value)) throw wrong('a whole number')
      checkRange(definition, long(value), wrong)
      return
    case 'double':
      if (value === '' || !Number.isFinite(Number(value))) throw wrong('a number')
      checkRange(definition, Number(value), wrong)
      return
    case 'list':
      checkList(definition, value, wrong)
      return
    case 'string':
      if (definition.oneOf !== undefined && !definition.oneOf.includes(value))
        throw wrong(definition.oneOf.join(' or '))
  }
}

type Wrong = (expected: string) => ApiError

function checkBoolean({ oneOf = ['true', 'false'] }: ConfigDefinition, value: string, wrong: Wrong): void {
  if (!oneOf.includes(value)) throw wrong(oneOf.join(' or '))
}

/** An empty list is valid; an empty item is not. */
function checkList({ oneOf, pattern }: ConfigDefinition, value: string, wrong: Wrong): void {
  if (value === '') return
  for (const item of value.split(',').map((one) => one.trim())) {
    if (item === '') throw wrong('no empty items')
    if (oneOf !== undefined && !oneOf.includes(item)) throw wrong(oneOf.join(', '))
    if (pattern !== undefined && !pattern.test(item)) throw wrong('* or a list of partition:broker')
  }
}

function checkRange(definition: ConfigDefinition, value: number, wrong: Wrong): void {
  if (definition.min !== undefined && value < definition.min) throw wrong(`at least ${definition.min}`)
  const max = definition.max ?? (definition.type === 'int' ? int32Max : undefined)
  if (max !== undefined && value > max) throw wrong(`at most ${max}`)
}

function invalid(message: string): ApiError {
  return new ApiError(errors.INVALID_CONFIG, message)
}
