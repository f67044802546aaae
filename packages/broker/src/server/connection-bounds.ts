/**
 * Limits the number of connections: of all, and from one address, so that one address can't block the others. Beyond a
 * limit a connection is closed at once, as in Apache Kafka with `max.connections` and `max.connections.per.ip`.
 */
import type { Socket } from 'node:net'
import type { BrokerConfig } from './config.ts'
import type { Warn } from './line-budget.ts'

export class ConnectionBounds {
  readonly #config: BrokerConfig
  readonly #warn: Warn
  readonly #byAddress = new Map<string, number>()
  #all = 0

  constructor(config: BrokerConfig, warn: Warn) {
    this.#config = config
    this.#warn = warn
  }

  /** Whether the socket may stay; it counts until it closes. Otherwise it is destroyed. */
  admit(socket: Socket): boolean {
    const { maxConnections, maxConnectionsPerIp } = this.#config
    const address = addressOf(socket)
    const ofAddress = this.#byAddress.get(address) ?? 0
    if (this.#all >= maxConnections || ofAddress >= maxConnectionsPerIp) {
      const limit = ofAddress >= maxConnectionsPerIp ? { maxConnectionsPerIp } : { maxConnections }
      this.#warn({ host: address, ...limit }, 'a connection was refused')
      socket.destroy()
      return false
    }
    this.#all++
    this.#byAddress.set(address, ofAddress + 1)
    socket.once('close', () => this.#remove(address))
    return true
  }

  #remove(address: string): void {
    this.#all--
    const left = (this.#byAddress.get(address) ?? 0) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
  }
}

/** On a socket for both families, IPv4 addresses look like `::ffff:127.0.0.1`. */
export function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')
}
