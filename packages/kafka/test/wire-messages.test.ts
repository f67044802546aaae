import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader } from '../src/wire/byte-reader.ts'
import { apis, decodeRequestHeader, encodeRequestHeader, MalformedError } from '../src/wire/index.ts'
import { messagesOf } from './support/wire-messages.ts'

/** The common types, since all APIs are handled in the same way. */
type Untyped = {
  encode(version: number, body: unknown): Buffer
  decode(version: number, bytes: Buffer): unknown
}

const directions = Object.values(apis).flatMap((api) => {
  const request = { encode: api.encodeRequest, decode: api.decodeRequest } as unknown as Untyped
  const response = { encode: api.encodeResponse, decode: api.decodeResponse } as unknown as Untyped
  const versions = Array.from({ length: api.maxVersion - api.minVersion + 1 }, (_, index) => api.minVersion + index)
  return versions.flatMap((version) => {
    const flexible = version >= api.firstFlexible
    return [
      { name: `${api.name} request v${version}`, layout: api.layouts.request, version, flexible, codec: request },
      { name: `${api.name} response v${version}`, layout: api.layouts.response, version, flexible, codec: response },
    ]
  })
})

describe('every message in every version', () => {
  test.each(directions)('$name is decoded from its bytes unchanged', ({ layout, version, flexible, codec }) => {
    fc.assert(
      fc.property(messagesOf(layout, { version, flexible }), (message) => {
        expect(codec.decode(version, codec.encode(version, message))).toEqual(message)
      }),
      { numRuns: 15 },
    )
  })

  test.each(directions)('$name is refused when it is cut off', ({ layout, version, flexible, codec }) => {
    fc.assert(
      fc.property(messagesOf(layout, { version, flexible }), fc.nat(), (message, at) => {
        const bytes = codec.encode(version, message)
        if (bytes.length === 0) return
        expect(() => codec.decode(version, bytes.subarray(0, at % bytes.length))).toThrow(MalformedError)
      }),
      { numRuns: 5 },
    )
  })

  test.each(directions)('$name throws nothing but MalformedError for any bytes', ({ version, codec }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          codec.decode(version, Buffer.from(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError)
        }
      }),
      { numRuns: 20 },
    )
  })
})

test('decodes all versions of a message into one shape', () => {
  const shapes = new Set<string>()
  for (let version = 0; version <= apis.metadata.maxVersion; version++) {
    const bytes = apis.metadata.encodeRequest(version, { topics: [{ name: 't' }] })
    shapes.add(Object.keys(apis.metadata.decodeRequest(version, bytes)).join())
  }
  expect(shapes.size).toBe(1)
})

test('skips tagged fields that it does not know, and reads those that it does in any place', () => {
  const known = apis.fetch.encodeRequest(12, { clusterId: 'c', maxWaitMs: 1, minBytes: 1, topics: [] })
  expect(apis.fetch.decodeRequest(12, known).clusterId).toBe('c')
  const withoutTags = apis.heartbeat.encodeRequest(4, { groupId: 'g', generationId: 1, memberId: 'm' })
  const unknown = Buffer.concat([withoutTags.subarray(0, -1), Buffer.from([2, 7, 3, 1, 2, 3, 9, 0])])
  expect(apis.heartbeat.decodeRequest(4, unknown)).toMatchObject({ groupId: 'g', memberId: 'm' })
})

test('refuses versions that it does not speak', () => {
  expect(() => apis.produce.encodeRequest(13, { acks: 1, timeoutMs: 1, topicData: [] })).toThrow(MalformedError)
  expect(() => apis.listOffsets.decodeRequest(0, Buffer.alloc(64))).toThrow('ListOffsets v0')
})

test('ignores bytes after the end of a request', () => {
  const request = { transactionalId: 't', producerId: 1, producerEpoch: 0, committed: true }
  const bytes = apis.endTxn.encodeRequest(1, request)
  expect(apis.endTxn.decodeRequest(1, Buffer.concat([bytes, Buffer.from([0])]))).toEqual(request)
})

test('allocates nothing for a length that the message cannot hold', () => {
  const reader = new ByteReader(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0x00]))
  expect(() => reader.arrayLength()).toThrow("an array of 2147483647 items can't fit into the 1 bytes left")
})

test('reads back request headers, and what all versions share of those it does not know', () => {
  const known = { apiKey: apis.metadata.key, apiVersion: 12, correlationId: 7, clientId: 'c' }
  expect(decodeRequestHeader(encodeRequestHeader(known)).header).toEqual(known)
  const strange = { apiKey: 999, apiVersion: 3, correlationId: 8, clientId: 'c' }
  expect(decodeRequestHeader(encodeRequestHeader(strange)).header).toEqual({ ...strange, clientId: null })
})
