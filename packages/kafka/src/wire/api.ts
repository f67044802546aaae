/**
 * An API of the protocol: its key, the supported versions, and the layouts of request and response. The functions
 * of a version are compiled when it is first used.
 */

import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { compileDecoder, type DecodeBody } from './compile-decoder.ts'
import { compileEncoder, type EncodeBody } from './compile-encoder.ts'
import type { Decoded, Encodable, Layout } from './layout.ts'
import { MalformedError } from './malformed.ts'

export type ApiDefinition<Req extends Layout, Res extends Layout> = {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** First version with compact types and tagged fields; null if there is none. */
  readonly firstFlexible: number | null
  readonly request: Req
  readonly response: Res
}

/**
 * One API, both directions; bodies only, without headers. Decoding throws MalformedError for bytes that don't follow
 * the layout and for versions outside `minVersion`..`maxVersion`; encoding throws it for values that don't fit.
 */
export type Api<Req, ReqIn, Res, ResIn> = {
  /** Kafka's number of the API. */
  readonly key: number
  /** Kafka's name of the API, such as `Produce`. */
  readonly name: string
  /** The oldest version that is spoken. */
  readonly minVersion: number
  /** The newest one. */
  readonly maxVersion: number
  /** The first version with compact types and tagged fields (KIP-482); Infinity if there is none. */
  readonly firstFlexible: number
  /** The layouts themselves, for code that walks over all messages. */
  readonly layouts: { readonly request: Layout; readonly response: Layout }
  /** Encodes the body without its header, in the given version. */
  encodeRequest(version: number, body: ReqIn): Buffer
  /** Bytes after the request's end are ignored, as Kafka does: widely used clients send some. */
  decodeRequest(version: number, buffer: Buffer): Req
  /** Encodes the body without its header, in the given version. */
  encodeResponse(version: number, body: ResIn): Buffer
  /** Bytes after the response's end are ignored, as Kafka's own clients do. */
  decodeResponse(version: number, buffer: Buffer): Res
  /** 2 if the version is flexible: the header then ends in tagged fields. */
  requestHeaderVersion(version: number): 1 | 2
  /** 1 if the version is flexible, but always 0 for ApiVersions (KIP-511). */
  responseHeaderVersion(version: number): 0 | 1
}

/** An API whose bodies have no type, for code that handles all APIs alike. */
export type AnyApi = Api<unknown, never, unknown, never>
/** The decoded request of the API `A`, such as `RequestOf<typeof apis.fetch>`. */
export type RequestOf<A> = A extends Api<infer Req, never, unknown, never> ? Req : never
/** The request of the API `A` to encode: fields with a default may be left out. */
export type RequestInputOf<A> = A extends Api<unknown, infer ReqIn, unknown, never> ? ReqIn : never
/** The decoded response of the API `A`. */
export type ResponseOf<A> = A extends Api<unknown, never, infer Res, never> ? Res : never
/** The response of the API `A` to encode: fields with a default may be left out. */
export type ResponseInputOf<A> = A extends Api<unknown, never, unknown, infer ResIn> ? ResIn : never

const API_VERSIONS_KEY = 18

export function defineApi<const Req extends Layout, const Res extends Layout>(
  definition: ApiDefinition<Req, Res>,
): Api<Decoded<Req>, Encodable<Req>, Decoded<Res>, Encodable<Res>> {
  const { key, name, minVersion, maxVersion } = definition
  const firstFlexible = definition.firstFlexible ?? Number.POSITIVE_INFINITY
  const request = codecs(definition, definition.request)
  const response = codecs(definition, definition.response)
  return {
    key,
    name,
    minVersion,
    maxVersion,
    firstFlexible,
    layouts: { request: definition.request, response: definition.response },
    encodeRequest: (version, body) => encode(request.encoder(version), body),
    decodeRequest: (version, buffer) => request.decoder(version)(new ByteReader(buffer)) as Decoded<Req>,
    encodeResponse: (version, body) => encode(response.encoder(version), body),
    decodeResponse: (version, buffer) => response.decoder(version)(new ByteReader(buffer)) as Decoded<Res>,
    requestHeaderVersion: (version) => (version >= firstFlexible ? 2 : 1),
    // A client learns the versions from this response, so its header must be readable without knowing them.
    responseHeaderVersion: (version) => (version >= firstFlexible && key !== API_VERSIONS_KEY ? 1 : 0),
  }
}

function encode(encoder: EncodeBody, body: unknown): Buffer {
  const writer = new ByteWriter()
  encoder(writer, body)
  return writer.finish()
}

function codecs(definition: ApiDefinition<Layout, Layout>, layout: Layout) {
  const decoders: DecodeBody[] = []
  const encoders: EncodeBody[] = []
  const flexible = (version: number) => definition.firstFlexible !== null && version >= definition.firstFlexible
  const check = (version: number) => {
    if (Number.isInteger(version) && version >= definition.minVersion && version <= definition.maxVersion) return
    throw new MalformedError(
      `${definition.name} v${version} is outside of ${definition.minVersion}..${definition.maxVersion}`,
    )
  }
  return {
    decoder(version: number): DecodeBody {
      const known = decoders[version]
      if (known) return known
      check(version)
      const compiled = compileDecoder(layout, version, flexible(version))
      decoders[version] = compiled
      return compiled
    },
    encoder(version: number): EncodeBody {
      const known = encoders[version]
      if (known) return known
      check(version)
      const compiled = compileEncoder(layout, version, flexible(version))
      encoders[version] = compiled
      return compiled
    },
  }
}
