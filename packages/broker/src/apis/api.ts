/**
 * The type of an API handler, and the parts of the broker that handlers use. Each handler has a file named after its API.
 * ApiVersions lists all of them.
 */
import type { Api } from '@streampay/kafka/wire'
import type { Groups } from '../coordinators/groups.ts'
import type { Transactions } from '../coordinators/transactions.ts'
import type { Clock, Storage } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from '../server/config.ts'
import type { SaslSession } from '../server/sasl.ts'
import type { FetchSessions } from './fetch-sessions.ts'

type ServedVersions = { readonly key: number; readonly minVersion: number; readonly maxVersion: number }

/** The parts that all requests share. */
export type BrokerContext = {
  readonly nodeId: number
  /** The address to which clients connect, as they are told. */
  readonly host: string
  readonly port: number
  readonly clusterId: string
  readonly storage: Storage
  readonly groups: Groups
  readonly transactions: Transactions
  readonly fetchSessions: FetchSessions
  readonly config: BrokerConfig
  readonly logger: Logger
  readonly clock: Clock
  /** The entries of ApiVersions, by ascending key. */
  readonly served: readonly ServedVersions[]
}

export type ClientConnection = {
  readonly id: number
  /** The peer's address. */
  readonly host: string
  readonly sasl: SaslSession
  /** Aborts when the connection is lost: long polls end then. */
  readonly closed: AbortSignal
}

/** The client to which limits apply: the user, or the address if there are no users. */
export function clientOf({ sasl, host }: ClientConnection): string {
  return sasl.principal === null ? `address ${host}` : `user ${sasl.principal}`
}

export type RequestContext = {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly connection: ClientConnection
  readonly broker: BrokerContext
}

/**
 * Requests of a connection are passed on in their order and answered in their order, but a handler that waits
 * doesn't delay the next one: work that must be in order is done before the first `await`. A handler answers refusals
 * itself; an error that it throws closes the connection.
 */
export type Handler<Req, Res> = {
  readonly key: number
  readonly minVersion: number
  readonly maxVersion: number
  /** `'no-response'` is only for Produce with acks 0. */
  handle(request: Req, context: RequestContext): Promise<Res | 'no-response'> | Res | 'no-response'
  /** Decodes the body, runs `handle`, encodes. Null if there is no response. @throws MalformedError */
  serve(body: Buffer, context: RequestContext): Promise<Buffer | null>
  responseHeaderVersion(version: number): 0 | 1
}

export type AnyHandler = Omit<Handler<never, unknown>, 'handle'>

/** Connects an API of the wire with its handler function. */
export function defineHandler<Req, ReqIn, Res, ResIn>(
  api: Api<Req, ReqIn, Res, ResIn>,
  handle: (request: Req, context: RequestContext) => Promise<ResIn | 'no-response'> | ResIn | 'no-response',
): Handler<Req, ResIn> {
  return {
    key: api.key,
    minVersion: api.minVersion,
    maxVersion: api.maxVersion,
    handle,
    async serve(body, context) {
      const response = await handle(api.decodeRequest(context.apiVersion, body), context)
      return response === 'no-response' ? null : api.encodeResponse(context.apiVersion, response)
    },
    responseHeaderVersion: api.responseHeaderVersion,
  }
}
