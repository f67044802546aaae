/**
 * A TCP proxy on loopback that causes the faults of networks: it ends connections, resets them, delays their bytes, swallows bytes while
 * the connections stay open, or refuses new ones. There is one in front of every broker.
 *
 *     client ──► proxy ──► broker        `toBroker`: requests        `toClient`: responses
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type Direction, Pair } from './connection-pair.ts'

/** Which of the open connections; called once for each. */
export type Choose = () => boolean

export type FaultProxy = {
  readonly port: number
  readonly connections: number
  /** Ends connections in an orderly way (FIN). @returns how many */
  cut(choose?: Choose): number
  /** Ends them abruptly (RST). */
  reset(choose?: Choose): number
  /** All bytes, on present and later connections, arrive later by this time, in order; 0 ends it. */
  delay(ms: number): void
  /**
   * Connections stay open, but bytes in these directions are lost. No side is told, and for these connections it never ends: bytes are
   * missing on them, so they must not carry any more. New ones are not affected.
   */
  swallow(directions: readonly Direction[], choose?: Choose): number
  /** Closes the connections that have swallowed bytes, as a peer does that no longer knows a connection. */
  resetSwallowing(): number
  /** Stops listening; present connections continue. */
  refuse(): Promise<void>
  accept(): Promise<void>
  close(): Promise<void>
}

const host = '127.0.0.1'
/** Another process may have taken the port while the proxy did not listen on it. */
const listenAttempts = 50
const listenRetryMs = 100

/** @param target the port of the broker on the same host, to which each connection is forwarded */
export async function openProxy(target: number, port = 0): Promise<FaultProxy> {
  const proxy = new TcpProxy(target)
  await proxy.listen(port)
  return proxy
}

class TcpProxy implements FaultProxy {
  port = 0
  readonly #target: number
  readonly #pairs = new Set<Pair>()
  #server: Server | undefined
  #delayMs = 0

  constructor(target: number) {
    this.#target = target
  }

  get connections(): number {
    return this.#pairs.size
  }

  async listen(port: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      // Each side can end its direction alone, as without a proxy.
      const server = createServer({ allowHalfOpen: true }, (socket) => this.#join(socket))
      server.listen(port, host)
      try {
        await once(server, 'listening')
        this.#server = server
        break
      } catch (error) {
        if (attempt === listenAttempts) throw error
        await new Promise((resolve) => setTimeout(resolve, listenRetryMs))
      }
    }
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has an address')
    this.port = address.port
  }

  cut(choose: Choose = all): number {
    return this.#forEach(choose, (pair) => pair.end())
  }

  reset(choose: Choose = all): number {
    return this.#forEach(choose, (pair) => pair.reset())
  }

  delay(ms: number): void {
    this.#delayMs = ms
  }

  swallow(directions: readonly Direction[], choose: Choose = all): number {
    return this.#forEach(choose, (pair) => pair.swallow(directions))
  }

  resetSwallowing(): number {
    const swallowing = [...this.#pairs].filter((pair) => pair.isSwallowing)
    for (const pair of swallowing) pair.reset()
    return swallowing.length
  }

  async refuse(): Promise<void> {
    // Its callback waits for the present connections, which continue: it stops listening at once.
    this.#server?.close()
    this.#server = undefined
  }

  async accept(): Promise<void> {
    if (this.#server === undefined) await this.listen(this.port)
  }

  async close(): Promise<void> {
    await this.refuse()
    for (const pair of [...this.#pairs]) pair.reset()
  }

  #join(client: Socket): void {
    const broker = connect({ port: this.#target, host, allowHalfOpen: true })
    const pair = new Pair({ client, broker, delayMs: () => this.#delayMs, onGone: () => this.#pairs.delete(pair) })
    this.#pairs.add(pair)
  }

  #forEach(choose: Choose, act: (pair: Pair) => void): number {
    const chosen = [...this.#pairs].filter(() => choose())
    for (const pair of chosen) act(pair)
    return chosen.length
  }
}

const all: Choose = () => true
