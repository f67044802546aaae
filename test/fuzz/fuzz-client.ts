/** One client: sends frame after frame on a connection, and opens a new one when the broker closes it or does not answer. */
import { MalformedError } from '@streampay/kafka/wire'
import { WireConnection } from '../../packages/kafka/test/support/wire-connection.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { type Frame, frameOf, nameOfKey } from './frames.ts'
import { TransactionScript } from './transactions.ts'

/** Long polls and joining members are answered late, frames without acks never: the next frame then uses another connection. */
const answerTimeoutMs = 500
const newConnectionShare = 0.002

export type Counts = {
  frames: number
  answered: number
  closed: number
  silent: number
  readonly byApi: Map<string, number>
}

export class FuzzClient {
  readonly #address: string
  readonly #random: SeededRandom
  readonly #script: TransactionScript | undefined
  readonly #counts: Counts
  #connection: WireConnection | undefined
  #correlationId = 0

  constructor(parts: { address: string; random: SeededRandom; transactionalId: string | undefined; counts: Counts }) {
    this.#address = parts.address
    this.#random = parts.random
    this.#counts = parts.counts
    const { transactionalId: id } = parts
    this.#script = id === undefined ? undefined : new TransactionScript(parts.random, id)
  }

  async sendOne(): Promise<void> {
    if (this.#random.chance(newConnectionShare)) this.close()
    this.#connection ??= await WireConnection.open(this.#address)
    this.#correlationId += 1
    const frame = this.#script?.next(this.#correlationId) ?? frameOf(this.#random, this.#correlationId)
    this.#count(frame)
    const outcome = await answerTo(this.#connection, frame)
    if (outcome === 'closed' || outcome === 'silent') {
      this.#counts[outcome] += 1
      this.close()
      return
    }
    this.#counts.answered += 1
    this.#learn(frame, outcome)
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }

  #count({ apiKey }: Frame): void {
    this.#counts.frames += 1
    const name = nameOfKey(apiKey)
    this.#counts.byApi.set(name, (this.#counts.byApi.get(name) ?? 0) + 1)
  }

  /** The version at its place in the frame, unless it was mutated. */
  #learn(frame: Frame, answer: Buffer): void {
    const version = frame.bytes.length < 4 ? -1 : frame.bytes.readInt16BE(2)
    try {
      this.#script?.learn(frame.apiKey, version, answer)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
    }
  }
}

async function answerTo(connection: WireConnection, frame: Frame): Promise<Buffer | 'closed' | 'silent'> {
  let timer: NodeJS.Timeout | undefined
  const silent = new Promise<'silent'>((resolve) => {
    timer = setTimeout(() => resolve('silent'), answerTimeoutMs)
  })
  const answer = connection.exchange(frame.bytes, frame.correlationId).catch(() => 'closed' as const)
  const outcome = await Promise.race([answer, silent])
  clearTimeout(timer)
  return outcome
}
