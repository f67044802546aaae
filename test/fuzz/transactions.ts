/**
 * Frames to the transaction coordinator in a mostly valid order: an id is initialized, partitions and offsets are added, batches written,
 * offsets committed, and the transaction ended; sometimes a step is left out or done twice, a field is from elsewhere, or bytes are
 * changed.
 */
import { type AnyApi, apis, decodeResponseHeader } from '@streampay/kafka/wire'
import type { SeededRandom } from '../support/seeded-random.ts'
import { fuzzedBatch, goodBatch } from './batches.ts'
import { type Frame, requestOf } from './frames.ts'
import { mutated } from './mutate.ts'
import { groups, keptTopics, partitionsOfTopic, transactionalIds } from './names.ts'

type Step = 'init' | 'partitions' | 'offsets' | 'produce' | 'commit-offsets' | 'end'
type Producer = { producerId: number; producerEpoch: number }

const inOrder: readonly Step[] = ['partitions', 'produce', 'produce', 'offsets', 'commit-offsets', 'end']
const steps: readonly Step[] = ['init', ...inOrder]

export class TransactionScript {
  readonly #random: SeededRandom
  readonly #ownId: string
  #id = ''
  #producer: Producer = { producerId: -1, producerEpoch: -1 }
  #topic = 'plain'
  #partition = 0
  #left: Step[] = []
  readonly #sequences = new Map<string, number>()

  /** @param ownId used in most frames; sometimes the id of another client is used, which fences that one */
  constructor(random: SeededRandom, ownId: string) {
    this.#random = random
    this.#ownId = ownId
  }

  next(correlationId: number): Frame {
    const random = this.#random
    if (this.#left.length === 0) this.#begin()
    const due = this.#left.shift() ?? 'init'
    const { api, version, body } = this.#request(random.chance(0.1) ? random.pick(steps) : due)
    const bytes = requestOf(api, { version, body, correlationId })
    const isMutated = random.chance(0.15)
    const sent = isMutated ? Buffer.concat([bytes.subarray(0, 8), mutated(random, bytes.subarray(8))]) : bytes
    return { bytes: sent, correlationId, apiKey: api.key }
  }

  /** Uses the result of InitProducerId, and begins anew if a batch was refused. @throws MalformedError */
  learn(apiKey: number, version: number, answer: Buffer): void {
    if (apiKey === apis.initProducerId.key) {
      const { bodyOffset } = decodeResponseHeader(answer, apis.initProducerId.responseHeaderVersion(version))
      const given = apis.initProducerId.decodeResponse(version, answer.subarray(bodyOffset))
      if (given.errorCode !== 0) return
      this.#producer = { producerId: given.producerId, producerEpoch: given.producerEpoch }
      this.#sequences.clear()
    }
    if (apiKey === apis.produce.key) {
      const { bodyOffset } = decodeResponseHeader(answer, apis.produce.responseHeaderVersion(version))
      const { responses } = apis.produce.decodeResponse(version, answer.subarray(bodyOffset))
      const code = responses[0]?.partitionResponses[0]?.errorCode ?? 0
      if (code !== 0) this.#producer = { producerId: -1, producerEpoch: -1 }
    }
  }

  #begin(): void {
    const random = this.#random
    const isNew = this.#producer.producerId === -1 || random.chance(0.15)
    if (isNew) this.#id = random.chance(0.9) ? this.#ownId : random.pick(transactionalIds)
    this.#topic = random.pick(keptTopics).name
    this.#partition = random.below(partitionsOfTopic)
    this.#left = [...(isNew ? (['init'] as const) : []), ...inOrder.filter(() => random.chance(0.85))]
  }

  #request(step: Step): { readonly api: AnyApi; readonly version: number; readonly body: unknown } {
    const random = this.#random
    const of = (api: unknown, body: unknown) => {
      const { minVersion, maxVersion } = api as AnyApi
      return { api: api as AnyApi, version: minVersion + random.below(maxVersion - minVersion + 1), body }
    }
    const claim = {
      transactionalId: random.chance(0.05) ? random.pick(transactionalIds) : this.#id,
      ...this.#claimed(),
    }
    const group = random.pick(groups)
    switch (step) {
      case 'init': {
        const known = random.chance(0.3) ? this.#producer : { producerId: -1, producerEpoch: -1 }
        return of(apis.initProducerId, {
          ...known,
          transactionalId: this.#id,
          transactionTimeoutMs: random.pick([1000, 60_000]),
        })
      }
      case 'partitions':
        return of(apis.addPartitionsToTxn, { ...claim, topics: [{ name: this.#topic, partitions: [this.#partition] }] })
      case 'offsets':
        return of(apis.addOffsetsToTxn, { ...claim, groupId: group })
      case 'commit-offsets': {
        const partitions = [
          { partitionIndex: 0, committedOffset: random.below(100), committedLeaderEpoch: -1, committedMetadata: '' },
        ]
        return of(apis.txnOffsetCommit, { ...claim, groupId: group, topics: [{ name: this.#topic, partitions }] })
      }
      case 'end':
        return of(apis.endTxn, { ...claim, committed: random.chance(0.5) })
      case 'produce':
        return { ...of(apis.produce, this.#produce(claim.transactionalId)), version: 3 + random.below(9) }
    }
  }

  #claimed(): Producer {
    const { producerId, producerEpoch } = this.#producer
    const random = this.#random
    if (random.chance(0.05)) return { producerId: random.pick([0, 1, -1, producerId + 1]), producerEpoch }
    return { producerId, producerEpoch: random.chance(0.05) ? producerEpoch + random.pick([-1, 1]) : producerEpoch }
  }

  #produce(transactionalId: string): unknown {
    const random = this.#random
    const { producerId, producerEpoch } = this.#producer
    const place = `${this.#topic}-${this.#partition}`
    const baseSequence = this.#sequences.get(place) ?? 0
    const producer = { producerId: BigInt(producerId), producerEpoch, baseSequence }
    const good = random.chance(0.8) ? goodBatch(random, producer) : undefined
    if (good) this.#sequences.set(place, baseSequence + good.count)
    const records = good?.bytes ?? fuzzedBatch(random, producer)
    const topicData = [{ name: this.#topic, partitionData: [{ index: this.#partition, records }] }]
    return { transactionalId, acks: -1, timeoutMs: 100, topicData }
  }
}
