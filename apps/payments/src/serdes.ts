/** JSON in UTF-8, checked on the way in: bytes that do not satisfy the schema are refused with a sentence. */
import { headerNames, jsonContentType, matches, type Static, type TSchema } from '@streampay/domain'
import type { OutgoingHeaders, Serde } from '@streampay/streams'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws Error if the bytes are not JSON in UTF-8. */
export function parseJson(bytes: Buffer | null): unknown {
  if (bytes === null) throw new Error('there is no value')
  try {
    return JSON.parse(strictUtf8.decode(bytes))
  } catch (cause) {
    throw new Error('the value is not JSON in UTF-8', { cause })
  }
}

export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

/** On every record whose value is JSON. */
export const jsonHeaders: OutgoingHeaders = { [headerNames.contentType]: jsonContentType }

/** Values as the schema says; `decode` throws on anything else. */
export function jsonSerde<const S extends TSchema>(schema: S): Serde<Static<S>> {
  return {
    encode: encodeJson,
    decode(bytes) {
      const value = parseJson(bytes)
      if (!matches(schema, value)) throw new Error('the value does not satisfy its schema')
      return value
    },
  }
}

/** Short text that this application alone writes. */
export const textSerde: Serde<string> = {
  encode: (text) => Buffer.from(JSON.stringify(text)),
  decode(bytes) {
    const value = parseJson(bytes)
    if (typeof value !== 'string') throw new Error('the value is not text')
    return value
  },
}
