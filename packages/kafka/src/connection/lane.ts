/**
 * The links of one client, one per broker. Clients don't share links: so no client waits behind another's long request,
 * and closing one does not affect the others.
 */
import type { ClientOptions } from '../client.ts'
import type { Clock } from '../clock.ts'
import { KafkaError } from '../errors.ts'
import type { Api } from '../wire/index.ts'
import type { Address, Features } from './connection.ts'
import { Link } from './link.ts'

export type LaneOptions = {
  readonly client: ClientOptions
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly clock: Clock
  /** Undefined for an unknown node. */
  readonly addressOf: (nodeId: number) => Address | undefined
  readonly onFeatures: (features: Features) => void
}

type Entry = { readonly address: Address; readonly link: Link }

export class Lane {
  readonly #options: LaneOptions
  readonly #links = new Map<number, Entry>()
  #closed = false

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** @throws KafkaError as Link.request does, and KAFKA_UNAVAILABLE for an unknown node */
  request<Req, ReqIn, Res, ResIn>(
    nodeId: number,
    api: Api<Req, ReqIn, Res, ResIn>,
    body: ReqIn,
    maxVersion?: number,
  ): Promise<Res> {
    const link = this.#linkTo(nodeId)
    if (link instanceof KafkaError) return Promise.reject(link)
    return link.request(api, body, maxVersion)
  }

  async close(): Promise<void> {
    this.#closed = true
    const links = [...this.#links.values()]
    this.#links.clear()
    await Promise.all(links.map(({ link }) => link.close()))
  }

  #linkTo(nodeId: number): Link | KafkaError {
    const details = { outcome: 'not-written' } as const
    if (this.#closed) return new KafkaError('KAFKA_CLOSED', 'the client was closed', details)
    const address = this.#options.addressOf(nodeId)
    if (address === undefined) return new KafkaError('KAFKA_UNAVAILABLE', `broker ${nodeId} is not known`, details)
    const known = this.#links.get(nodeId)
    if (known?.address.host === address.host && known.address.port === address.port) return known.link
    const { client, connectTimeoutMs, requestTimeoutMs, clock, onFeatures } = this.#options
    known?.link.close().catch((error: unknown) => client.logger?.debug({ err: error }, 'a connection was not closed'))
    const link = new Link({ address, client, connectTimeoutMs, requestTimeoutMs, clock, onFeatures })
    this.#links.set(nodeId, { address, link })
    return link
  }
}
