/**
 * The headers before request and response bodies. Version 2 of the request's and version 1 of the response's end in
 * tagged fields; none is defined, so they are skipped when reading and never written.
 *
 * Source: https://kafka.apache.org/protocol.html#protocol_messages
 */
import { apiByKey } from './apis.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** The header of a request. The response to it has the same `correlationId`. */
export type RequestHeader = {
  /** Kafka's number of the API. */
  readonly apiKey: number
  /** The version of the API in which the body is encoded. The version of the header follows from it. */
  readonly apiVersion: number
  /** Chosen by the client; the response has the same one. */
  readonly correlationId: number
  /** `null` if the client has no name. */
  readonly clientId: string | null
}

const FIRST_HEADER_END = 8

/**
 * In the version that `requestHeaderVersion` of the API returns; version 1 for an API that isn't supported. The body follows
 * it; the length of the frame is not part of it.
 */
export function encodeRequestHeader(header: RequestHeader): Buffer {
  const writer = new ByteWriter(64)
  writer.int16(header.apiKey)
  writer.int16(header.apiVersion)
  writer.int32(header.correlationId)
  writer.nullableString(header.clientId)
  if (apiByKey(header.apiKey)?.requestHeaderVersion(header.apiVersion) === 2) writer.uvarint(0)
  return writer.finish()
}

/**
 * `bodyOffset` is the offset of the body. In an unsupported API or version, the client id and the fields after it can't
 * be read safely: `clientId` is then null and `bodyOffset` the end of the part that all versions share.
 * @throws MalformedError
 */
export function decodeRequestHeader(buffer: Buffer): { header: RequestHeader; bodyOffset: number } {
  const reader = new ByteReader(buffer)
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const api = apiByKey(apiKey)
  if (!api || apiVersion < api.minVersion || apiVersion > api.maxVersion) {
    return { header: { apiKey, apiVersion, correlationId, clientId: null }, bodyOffset: FIRST_HEADER_END }
  }
  const clientId = reader.nullableString()
  if (api.requestHeaderVersion(apiVersion) === 2) reader.skipTags()
  return { header: { apiKey, apiVersion, correlationId, clientId }, bodyOffset: reader.position }
}

/**
 * `headerVersion` is the result of the API's `responseHeaderVersion`. The body follows it; the length of the frame is not
 * part of it.
 */
export function encodeResponseHeader(header: { readonly correlationId: number }, headerVersion: 0 | 1): Buffer {
  const writer = new ByteWriter(8)
  writer.int32(header.correlationId)
  if (headerVersion === 1) writer.uvarint(0)
  return writer.finish()
}

/**
 * `headerVersion` is the result of the API's `responseHeaderVersion`; `bodyOffset` is the offset of the body.
 * @throws MalformedError
 */
export function decodeResponseHeader(
  buffer: Buffer,
  headerVersion: 0 | 1,
): { header: { correlationId: number }; bodyOffset: number } {
  const reader = new ByteReader(buffer)
  const correlationId = reader.int32()
  if (headerVersion === 1) reader.skipTags()
  return { header: { correlationId }, bodyOffset: reader.position }
}
