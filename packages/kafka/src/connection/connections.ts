/**
 * The connections of one client, one for each broker. Clients do not share them: so no client waits behind another's long request,
 * and closing one does not affect the others.
 */
import type { ClientOptions } from '../client.ts'
import type { Clock } from '../clock.ts'
import { KafkaError } from '../errors.ts'
import type { Api } from '../wire/index.ts'
import { BrokerConnection } from './broker-connection.ts'
import type { Address, Features } from './connection.ts'

export type ConnectionsOptions = {
  readonly client: ClientOptions
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly clock: Clock
  /** Undefined for an unknown node. */
  readonly addressOf: (nodeId: number) => Address | undefined
  readonly onFeatures: (features: Features) => void
}

type Entry = { readonly address: Address; readonly connection: BrokerConnection }

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #connections = new Map<number, Entry>()
  #closed = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** @throws KafkaError as BrokerConnection.request does, and KAFKA_UNAVAILABLE for an unknown node */
  request<Req, ReqIn, Res, ResIn>(
    nodeId: number,
    api: Api<Req, ReqIn, Res, ResIn>,
    body: ReqIn,
    maxVersion?: number,
  ): Promise<Res> {
    const connection = this.#connectionTo(nodeId)
    if (connection instanceof KafkaError) return Promise.reject(connection)
    return connection.request(api, body, maxVersion)
  }

  async close(): Promise<void> {
    this.#closed = true
    const connections = [...this.#connections.values()]
    this.#connections.clear()
    await Promise.all(connections.map(({ connection }) => connection.close()))
  }

  #connectionTo(nodeId: number): BrokerConnection | KafkaError {
    const details = { outcome: 'not-written' } as const
    if (this.#closed) return new KafkaError('KAFKA_CLOSED', 'the client was closed', details)
    const address = this.#options.addressOf(nodeId)
    if (address === undefined) return new KafkaError('KAFKA_UNAVAILABLE', `broker ${nodeId} is not known`, details)
    const known = this.#connections.get(nodeId)
    if (known?.address.host === address.host && known.address.port === address.port) return known.connection
    const { client, connectTimeoutMs, requestTimeoutMs, clock, onFeatures } = this.#options
    known?.connection
      .close()
      .catch((error: unknown) => client.logger?.debug({ err: error }, 'a connection was not closed'))
    const connection = new BrokerConnection({ address, client, connectTimeoutMs, requestTimeoutMs, clock, onFeatures })
    this.#connections.set(nodeId, { address, connection })
    return connection
  }
}
