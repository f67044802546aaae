/**
 * JSON in UTF-8, checked when it is decoded and encoded: a value that does not match the schema is refused with a sentence. A value
 * is checked before it is written, so that a mistake is an error of the record being processed and not of all readers.
 */
import { isUtf8 } from 'node:buffer'
import { headerNames, jsonContentType, matches, type Static, type TSchema } from '@streampay/domain'
import { parseStrictText } from '@streampay/json'
import type { OutgoingHeaders, Serde } from '@streampay/streams'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Data that this application itself wrote. @throws Error if the bytes are not JSON in UTF-8. */
export function parseJson(bytes: Buffer | null): unknown {
  if (bytes === null) throw new Error('there is no value')
  try {
    return JSON.parse(strictUtf8.decode(bytes))
  } catch (cause) {
    throw new Error('the value is not JSON in UTF-8', { cause })
  }
}

/**
 * Data that other clients may have written. It is checked as strictly as a body in the gateway, so that the log can't bypass that.
 * @throws Error if the bytes are not JSON in UTF-8, if a member repeats, or if a number would not be kept exactly
 */
export function parseOutsideJson(bytes: Buffer | null): unknown {
  if (bytes === null) throw new Error('there is no value')
  if (!isUtf8(bytes)) throw new Error('the value is not UTF-8')
  // A byte order mark stays in the text and is an error: views embed the values of these records in other JSON.
  const read = parseStrictText(bytes.toString('utf8'))
  if ('value' in read) return read.value
  const { field, message } = read.fault
  throw new Error(`${field === '' ? 'the value' : `the value's ${field}`} ${message}`)
}

/** On every record whose value is JSON. */
export const jsonHeaders: OutgoingHeaders = { [headerNames.contentType]: jsonContentType }

/**
 * Values of the schema; `encode` and `decode` throw on any other value. The schema is compiled once.
 * @param parse reads the value, which is then checked
 */
export function jsonSerde<const S extends TSchema>(schema: S, parse = parseJson): Serde<Static<S>> {
  return checkedJson((value): value is Static<S> => matches(schema, value), titleOf(schema), parse)
}

function titleOf(schema: TSchema): string {
  return 'title' in schema && typeof schema.title === 'string' ? schema.title : 'value'
}

/** Values that the guard accepts. @param what their name in the sentence of a refusal */
export function checkedJson<T>(
  accepts: (value: unknown) => value is T,
  what: string,
  parse: (bytes: Buffer | null) => unknown = parseJson,
): Serde<T> {
  return {
    encode(value) {
      if (!accepts(value)) throw new Error(`the ${what} to be written does not satisfy its schema`)
      return Buffer.from(JSON.stringify(value))
    },
    decode(bytes) {
      const value = parse(bytes)
      if (!accepts(value)) throw new Error('the value does not satisfy its schema')
      return value
    },
  }
}

/** Short text that only this application writes. */
export const textSerde: Serde<string> = checkedJson((value) => typeof value === 'string', 'text')
