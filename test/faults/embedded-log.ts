/** A log of one embedded broker, whose disk can fail too. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../support/free-ports.ts'
import { type DiskFault, endDiskFault, orderDiskFault } from './disk-faults.ts'
import type { FaultyLog, FaultyLogDisk, Places } from './faulty-log.ts'
import { KeptProcess, type KeptProcessOptions } from './kept-process.ts'
import { openProxy } from './proxy.ts'

const startTimeoutMs = 90_000
const pollDiskEveryMs = 20

export async function openEmbedded(
  { folder, logs }: Places,
  onOwnExit: KeptProcessOptions['onOwnExit'],
): Promise<FaultyLog> {
  const [port = 0] = await freePorts(1)
  const proxy = await openProxy(port)
  const orders = join(folder, 'disk-fault.json')
  const address = `127.0.0.1:${proxy.port}`
  const broker = new KeptProcess({
    definition: {
      name: 'broker',
      stage: 1,
      main: join(import.meta.dirname, 'faulty-broker-main.ts'),
      env: {
        BROKER_PORT: String(port),
        BROKER_DATA_DIR: join(folder, 'broker'),
        BROKER_ADVERTISED_ADDRESS: address,
        FAULTY_DISK_FILE: orders,
      },
      nodeFlags: ['--max-semi-space-size=4'],
    },
    logFile: join(logs, 'broker.log'),
    env: process.env,
    onOwnExit,
  })
  broker.start()
  await broker.ready(startTimeoutMs)
  return {
    brokers: [address],
    proxies: [proxy],
    replicationFactor: undefined,
    kill: () => broker.hold(),
    start: async () => {
      broker.start()
      await broker.ready(startTimeoutMs)
    },
    pause: () => broker.pause(),
    resume: () => broker.resume(),
    disk: diskOf(broker, orders),
    serving: (timeoutMs) => broker.ready(timeoutMs),
    pids: () => (broker.pid === undefined ? [] : [['broker', broker.pid]]),
    destroy: () => broker.destroy(),
    close: async () => {
      await broker.stop()
      broker.closeLog()
      await proxy.close()
    },
  }
}

function diskOf(broker: KeptProcess, orders: string): FaultyLogDisk {
  let ordered: DiskFault | undefined
  let exitsBefore = 0
  return {
    order(fault) {
      ordered = fault
      exitsBefore = broker.ownExits
      orderDiskFault(orders, fault)
      broker.signal('SIGUSR2')
    },
    async met(timeoutMs) {
      const deadline = Date.now() + timeoutMs
      const isMet = () => broker.ownExits > exitsBefore && (ordered?.kind === 'full-disk' || !existsSync(orders))
      while (!isMet()) {
        if (Date.now() > deadline) throw new Error(`the broker did not end by ${ordered?.kind} in ${timeoutMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, pollDiskEveryMs))
      }
    },
    end: () => endDiskFault(orders),
  }
}
