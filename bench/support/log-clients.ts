/** What `log` measures: appends of one record, many records at once, and reading them all. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Cluster, openAdmin, openCluster, openProducer, openReader, type Producer } from '@streampay/kafka'

export type LogClient = {
  /** Resolves when the record is durable. */
  append(value: Buffer): Promise<void>
  /** Resolves when all are durable. */
  appendAll(values: readonly Buffer[]): Promise<void>
  /** Reads everything from the beginning. @returns the bytes of the values */
  readAll(bytes: number): Promise<number>
  close(): Promise<void>
}

const partitions = [0, 1, 2, 3]

/** Any log that speaks the Kafka protocol; the topic is made here and must not exist. */
export async function kafkaLogClient(brokers: readonly string[], topic: string): Promise<LogClient> {
  const cluster = openCluster({ brokers: [...brokers], clientId: 'bench' })
  await cluster.ready()
  await openAdmin(cluster).createTopics([
    { name: topic, partitions: partitions.length, replicationFactor: 1, configs: {} },
  ])
  const producer = openProducer(cluster, { deliveryTimeoutMs: 120_000 })
  let next = 0
  const send = (values: readonly Buffer[]) =>
    sendTo(
      producer,
      values.map((value) => ({ topic, partition: next++ % partitions.length, key: null, value })),
    )
  return {
    append: (value) => send([value]),
    async appendAll(values) {
      for (let from = 0; from < values.length; from += recordsAtOnce)
        await send(values.slice(from, from + recordsAtOnce))
    },
    readAll: (bytes) => readAll(cluster, { topic, bytes }),
    async close() {
      await producer.close()
      await cluster.close()
    },
  }
}

const recordsAtOnce = 4_000
const recordsOfPiece = 64

async function sendTo(producer: Producer, records: Parameters<Producer['send']>[0]): Promise<void> {
  await producer.send(records)
}

async function readAll(cluster: Cluster, { topic, bytes }: { topic: string; bytes: number }): Promise<number> {
  const reader = openReader(cluster, { maxBytes: 16 * 1024 * 1024 })
  reader.assign(partitions.map((partition) => ({ topic, partition, offset: 0 })))
  let read = 0
  while (read < bytes) {
    for (const { value } of (await reader.poll()).flatMap(({ records }) => records)) read += value?.length ?? 0
  }
  await reader.close()
  return read
}

/** The raw limit, `raw-log-main.ts`. */
export async function rawLogClient(port: number): Promise<LogClient> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  await once(socket, 'connect')
  const waiting: (() => void)[] = []
  let acknowledged = 0
  socket.on('data', (chunk) => {
    acknowledged += chunk.length
    for (; acknowledged >= 4; acknowledged -= 4) waiting.shift()?.()
  })
  const append = (value: Buffer) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.push(resolve)
    socket.write(framed(value))
    return promise
  }
  return {
    append,
    async appendAll(values) {
      const pieces = Math.ceil(values.length / recordsOfPiece)
      await Promise.all(
        Array.from({ length: pieces }, (_, n) =>
          append(Buffer.concat(values.slice(n * recordsOfPiece, (n + 1) * recordsOfPiece))),
        ),
      )
    },
    readAll: (bytes) => readRaw(port, bytes),
    async close() {
      socket.destroy()
    },
  }
}

async function readRaw(port: number, bytes: number): Promise<number> {
  const socket: Socket = connect(port, '127.0.0.1')
  socket.write(Buffer.alloc(4))
  let read = 0
  for await (const chunk of socket) {
    read += (chunk as Buffer).length
    if (read >= bytes) break
  }
  return read
}

function framed(value: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(4 + value.length)
  frame.writeUInt32BE(value.length, 0)
  value.copy(frame, 4)
  return frame
}
