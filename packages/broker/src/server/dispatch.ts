/**
 * From a frame to its response frame: header, the right handler, authentication, versions.
 *
 * A request that is malformed, unknown or not allowed yet throws a `RefusedRequest`, and the connection closes: without
 * the layout no answer is possible. The one exception is ApiVersions, which every client sends first in the newest
 * version that it knows: it gets error 35 in a version 0 body, and repeats the request.
 */
import { apis, decodeRequestHeader, encodeResponseHeader, errors, type RequestHeader } from '@streampay/kafka/wire'
import { moments, tellMoment } from '@streampay/process'
import type { AnyHandler, BrokerContext, ClientConnection } from '../apis/api.ts'

export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest'
}

export type Dispatcher = (frame: Buffer, connection: ClientConnection) => Promise<readonly Buffer[] | null>

const FRAME_LENGTH_BYTES = 4
/** The requests that a client may send before it has authenticated. */
const BEFORE_LOGIN = new Set<number>([apis.apiVersions.key, apis.saslHandshake.key, apis.saslAuthenticate.key])

export function openDispatcher(handlers: readonly AnyHandler[], broker: BrokerContext): Dispatcher {
  const byKey = new Map(handlers.map((handler) => [handler.key, handler]))
  return async (frame, connection) => {
    if (connection.sasl.bareTokens) return answerBareToken(frame, connection)
    const { header, bodyOffset } = decodeRequestHeader(frame)
    const handler = byKey.get(header.apiKey)
    if (!handler) throw new RefusedRequest(`API key ${header.apiKey} is not served`)
    if (header.apiVersion < handler.minVersion || header.apiVersion > handler.maxVersion) {
      if (header.apiKey === apis.apiVersions.key) return unsupportedApiVersions(header, broker)
      throw new RefusedRequest(`version ${header.apiVersion} of API key ${header.apiKey} is not served`)
    }
    if (connection.sasl.state !== 'open' && connection.sasl.state !== 'done' && !BEFORE_LOGIN.has(header.apiKey)) {
      throw new RefusedRequest(`API key ${header.apiKey} before authentication`)
    }
    if (moments.hasSubscribers) tellMoment({ step: 'request', api: header.apiKey, bytes: frame.length })
    const { apiVersion, clientId } = header
    const body = await handler.serve(frame.subarray(bodyOffset), { apiVersion, clientId, connection, broker })
    if (body === null) return null
    return frameOf(encodeResponseHeader(header, handler.responseHeaderVersion(apiVersion)), body)
  }
}

function frameOf(...parts: readonly Buffer[]): readonly Buffer[] {
  const length = Buffer.allocUnsafe(FRAME_LENGTH_BYTES)
  length.writeInt32BE(parts.reduce((sum, part) => sum + part.length, 0))
  return [length, ...parts]
}

function unsupportedApiVersions(header: RequestHeader, broker: BrokerContext): readonly Buffer[] {
  const apiKeys = broker.served.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
  const body = apis.apiVersions.encodeResponse(0, { errorCode: errors.UNSUPPORTED_VERSION, apiKeys })
  return frameOf(encodeResponseHeader(header, 0), body)
}

/** After a handshake of version 0 the tokens have no header, and neither have the answers. */
async function answerBareToken(frame: Buffer, connection: ClientConnection): Promise<readonly Buffer[]> {
  const step = await connection.sasl.step(frame)
  if (!step.ok) throw new RefusedRequest(`authentication failed: ${step.reason}`)
  return frameOf(step.token)
}
