/** Two connections that a proxy joined: that of a client, and the one to the broker that was made for it. */
import type { Socket } from 'node:net'
import { DelayLine } from './delay-line.ts'

export type Direction = 'toBroker' | 'toClient'

/** The most bytes on the way in one direction of one connection; beyond it the sender has to wait. */
const maxCarriedBytes = 4 * 1024 * 1024

type PairOptions = {
  readonly client: Socket
  readonly broker: Socket
  readonly delayMs: () => number
  readonly onGone: () => void
}

export class Pair {
  readonly #options: PairOptions
  readonly #swallowed = new Set<Direction>()
  readonly #lines: Readonly<Record<Direction, DelayLine>>
  #isGone = false

  constructor(options: PairOptions) {
    this.#options = options
    const { client, broker, delayMs } = options
    this.#lines = { toBroker: new DelayLine(delayMs), toClient: new DelayLine(delayMs) }
    client.setNoDelay(true)
    broker.setNoDelay(true)
    this.#carry('toBroker', client, broker)
    this.#carry('toClient', broker, client)
  }

  get isSwallowing(): boolean {
    return this.#swallowed.size > 0
  }

  swallow(directions: readonly Direction[]): void {
    for (const direction of directions) this.#swallowed.add(direction)
  }

  /** Bytes on their way are dropped, as if the process that carried them had ended. */
  end(): void {
    const { client, broker } = this.#options
    for (const socket of [client, broker]) socket.destroySoon()
    this.#gone()
  }

  reset(): void {
    const { client, broker } = this.#options
    for (const socket of [client, broker]) socket.resetAndDestroy()
    this.#gone()
  }

  #carry(direction: Direction, from: Socket, to: Socket): void {
    const line = this.#lines[direction]
    let carriedBytes = 0
    const arrived = (bytes: number) => {
      carriedBytes -= bytes
      if (carriedBytes < maxCarriedBytes) from.resume()
    }
    from.on('data', (chunk) => {
      if (this.#swallowed.has(direction)) return
      carriedBytes += chunk.length
      if (carriedBytes >= maxCarriedBytes) from.pause()
      line.push(() => {
        if (to.destroyed || this.#swallowed.has(direction)) arrived(chunk.length)
        else to.write(chunk, () => arrived(chunk.length))
      })
    })
    from.on('end', () => {
      line.push(() => {
        if (!this.#swallowed.has(direction)) to.end()
      })
    })
    // After a reset or a refusal, the other side gets a reset.
    from.on('error', () => this.reset())
    from.on('close', () => {
      if (to.destroyed) this.#gone()
    })
  }

  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    for (const line of Object.values(this.#lines)) line.clear()
    this.#options.onGone()
  }
}
