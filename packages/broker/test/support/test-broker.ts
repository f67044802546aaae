import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  type Api,
  apis,
  decodeResponseHeader,
  encodeBatch,
  encodeRequestHeader,
  type RecordToEncode,
} from '@streampay/kafka/wire'
import { onTestFinished } from 'vitest'
import type { Schedule } from '../../src/coordinators/schedule.ts'
import { type Broker, type BrokerOptions, startBroker } from '../../src/index.ts'
import { temporaryFolder } from './test-storage.ts'

/** A broker on a free port and, unless the test says otherwise, in a new folder. Closed after the test. */
export async function testBroker(options: Partial<BrokerOptions> = {}): Promise<Broker> {
  const broker = await startBroker({ dataDir: temporaryFolder(), port: 0, ...options })
  onTestFinished(() => broker.close())
  return broker
}

/** Runs scheduled work when the test says so. */
export class ManualSchedule {
  readonly #waiting = new Set<{ delayMs: number; run: () => void }>()

  readonly #begun: number[] = []

  readonly schedule: Schedule = (delayMs, run) => {
    const entry = { delayMs, run }
    this.#waiting.add(entry)
    this.#begun.push(delayMs)
    return () => this.#waiting.delete(entry)
  }

  /** How many wait with exactly this delay. */
  waiting(delayMs: number): number {
    return [...this.#waiting].filter((entry) => entry.delayMs === delayMs).length
  }

  /** How many were ever scheduled with exactly this delay. */
  begun(delayMs: number): number {
    return this.#begun.filter((begun) => begun === delayMs).length
  }

  /** Runs everything that was scheduled with exactly this delay. */
  fire(delayMs: number): number {
    const due = [...this.#waiting].filter((entry) => entry.delayMs === delayMs)
    for (const entry of due) {
      this.#waiting.delete(entry)
      entry.run()
    }
    return due.length
  }
}

/** A client with the codec only: one connection, as many requests at once as the test wants. */
export class WireClient {
  readonly socket: Socket
  readonly #waiting = new Map<number, (frame: Buffer) => void>()
  #received = Buffer.alloc(0)
  #correlationId = 0
  /** Correlation ids in the order of their responses. */
  readonly answered: number[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.setMaxListeners(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk as Buffer])
      while (this.#received.length >= 4 && this.#received.length >= 4 + this.#received.readInt32BE(0)) {
        const end = 4 + this.#received.readInt32BE(0)
        const frame = this.#received.subarray(4, end)
        this.#received = this.#received.subarray(end)
        const correlationId = frame.readInt32BE(0)
        this.answered.push(correlationId)
        this.#waiting.get(correlationId)?.(frame)
      }
    })
  }

  get closed(): Promise<unknown> {
    return this.socket.closed ? Promise.resolve() : once(this.socket, 'close')
  }

  async call<Req, ReqIn, Res, ResIn>(
    api: Api<Req, ReqIn, Res, ResIn>,
    body: ReqIn,
    version = api.maxVersion,
  ): Promise<Res> {
    const correlationId = ++this.#correlationId
    const answer = new Promise<Buffer>((resolve, reject) => {
      this.#waiting.set(correlationId, resolve)
      this.socket.once('close', () => reject(new Error(`the connection closed before ${api.name} was answered`)))
    })
    const header = { apiKey: api.key, apiVersion: version, correlationId, clientId: 'test' }
    this.send(Buffer.concat([encodeRequestHeader(header), api.encodeRequest(version, body)]))
    const frame = await answer
    const { bodyOffset } = decodeResponseHeader(frame, api.responseHeaderVersion(version))
    return api.decodeResponse(version, frame.subarray(bodyOffset))
  }

  /** Any bytes, as one frame. */
  send(frame: Buffer): void {
    const length = Buffer.alloc(4)
    length.writeInt32BE(frame.length)
    this.socket.write(Buffer.concat([length, frame]))
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Closed after the test. On Linux every address of 127.0.0.0/8 is this machine, so a test can come from several. */
export async function wireClient(
  broker: Pick<Broker, 'port' | 'host'>,
  localAddress: string | undefined = undefined,
): Promise<WireClient> {
  const socket = connect({ port: broker.port, host: broker.host, localAddress })
  await once(socket, 'connect')
  const client = new WireClient(socket)
  onTestFinished(() => client.close())
  return client
}

export async function createTopic(client: WireClient, name: string, numPartitions = 1): Promise<void> {
  const { topics } = await client.call(apis.createTopics, { topics: [{ name, numPartitions, replicationFactor: 1 }] })
  if (topics[0]?.errorCode !== 0) throw new Error(`${name} was not created: ${topics[0]?.errorMessage}`)
}

export type Producer = { readonly producerId: number; readonly producerEpoch: number }

export async function initProducer(
  client: WireClient,
  transactionalId: string,
): Promise<Producer & { errorCode: number }> {
  return client.call(apis.initProducerId, { transactionalId, transactionTimeoutMs: 10_000 })
}

export function record(value: string): RecordToEncode {
  return { timestamp: Date.now(), key: null, value: Buffer.from(value) }
}

/** The error code of one batch of one record; transactional if a producer is given. */
/** From the next version on a partition joins a transaction by what is written to it (KIP-890). */
const lastProduceOfTransactions1 = 11

export async function produceOne(
  client: WireClient,
  at: { topic: string; partition?: number; value: string },
  producer?: Producer & { transactionalId: string; sequence: number },
  version = lastProduceOfTransactions1,
): Promise<number> {
  const records = [record(at.value)]
  const batch = producer
    ? encodeBatch({ records, ...producer, baseSequence: producer.sequence, isTransactional: true })
    : encodeBatch({ records })
  const { responses } = await client.call(
    apis.produce,
    {
      transactionalId: producer?.transactionalId ?? null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: at.topic, partitionData: [{ index: at.partition ?? 0, records: batch }] }],
    },
    version,
  )
  return responses[0]?.partitionResponses[0]?.errorCode ?? -1
}
