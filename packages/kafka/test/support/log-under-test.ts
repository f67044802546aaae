/** A log that the shared cases run on: the embedded broker, or Apache Kafka. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@streampay/broker'

export type LogUnderTest = {
  readonly name: string
  readonly brokers: readonly string[]
  /** Ends it and starts it again on the same port and data. Resolves once it serves. */
  restart(): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export async function startEmbeddedLog(): Promise<LogUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'streampay-kafka-'))
  let broker = await startBroker({ dataDir, port: 0 })
  const { host, port } = broker
  const stop = () => broker.close()
  const start = async () => {
    broker = await startBroker({ dataDir, host, port })
  }
  return {
    name: 'the embedded broker',
    brokers: [`${host}:${port}`],
    stop,
    start,
    async restart() {
      await stop()
      await start()
    },
    async close() {
      await stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
