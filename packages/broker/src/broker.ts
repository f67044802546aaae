/**
 * Builds a broker from its parts: port, storage, coordinators, handlers; they start in this order and end in the
 * reverse order.
 */
import { BlockList, isIP } from 'node:net'
import type { BrokerContext } from './apis/api.ts'
import { FetchSessions } from './apis/fetch-sessions.ts'
import { handlers } from './apis/handlers.ts'
import { systemClock } from './clock.ts'
import { OFFSETS_TOPIC, openGroups } from './coordinators/groups.ts'
import { type Schedule, scheduleByTimer } from './coordinators/schedule.ts'
import type { StateLog } from './coordinators/state-log.ts'
import type { MarkerStep } from './coordinators/transaction-markers.ts'
import { openTransactions } from './coordinators/transactions.ts'
import { AnswerFaults } from './faults/answer-faults.ts'
import { DiskFaults } from './faults/disk-faults.ts'
import { type BrokerFaults, openFaults } from './faults/faults.ts'
import { type Clock, descriptorBudget, type Files, openStorage } from './log/index.ts'
import type { Logger } from './logger.ts'
import { type BrokerConfig, defaultConfig } from './server/config.ts'
import { type Listener, listen } from './server/server.ts'

/** The folder of a broker's log, and the address on which it serves. */
export type BrokerOptions = {
  /** The folder of the log; created if it does not exist. Only one broker at a time can use it. */
  readonly dataDir: string
  /** Default 9092; 0 takes any free port. */
  readonly port?: number
  /** Default 127.0.0.1. Only loopback addresses: a log on a network needs a cluster. */
  readonly host?: string
  /** The address for clients, if it is not the listener's: that of a proxy in front of it. Also loopback. */
  readonly advertised?: { readonly host: string; readonly port: number }
  /** Limits and defaults that differ from `defaultConfig`. */
  readonly config?: Partial<BrokerConfig>
  /** By default nothing is logged. */
  readonly logger?: Logger
  /** Default: the machine's clock. */
  readonly clock?: Clock
  /** For tests: runs timeouts; default: timers. */
  readonly schedule?: Schedule
  /** For tests: the file system. Default: that of Node. */
  readonly files?: Files
  /** The journal is cut each time it has grown by this number of bytes. Default 16 MiB. */
  readonly checkpointBytes?: number
  /** For tests: runs before each transaction marker is written, and may delay it. */
  readonly beforeMarker?: (step: MarkerStep) => Promise<void>
  /**
   * For tests of this package: runs before appends to the coordinators' logs, and may refuse an append, delay it or answer it late.
   * @internal
   */
  readonly wrapLog?: (log: StateLog) => StateLog
}

/** A broker that serves. */
export type Broker = {
  /** The host of the options, to which the listener is bound. */
  readonly host: string
  /** The port that the listener is bound to, also if port 0 was requested. */
  readonly port: number
  /** `host:port`, as clients take it. */
  readonly brokers: string
  /** Resolves with the error that stopped all writes, if one occurs: close the broker then, and start a new one. */
  readonly failure: Promise<Error>
  /** Open connections of clients. */
  readonly connections: number
  /** Faults that tests can cause, to see how clients react. None of them loses acknowledged data. */
  readonly faults: BrokerFaults
  /** Ends faults, closes connections, syncs and releases the data folder. */
  close(): Promise<void>
  /** Same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

const NODE_ID = 1
export const defaultPort = 9092
export const defaultHost = '127.0.0.1'

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/**
 * Resolves when clients can connect.
 * @throws FolderLockedError, BrokenLogError, an error with code EADDRINUSE if the port is taken
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs'
 * import { startBroker } from '@streampay/broker'
 * import { openAdmin, openCluster } from '@streampay/kafka'
 *
 * const broker = await startBroker({ dataDir: mkdtempSync('example-log-'), port: 0 })
 * const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'example' })
 * console.log(await openAdmin(cluster).listTopics()) // → []
 * await cluster.close()
 * await broker.close()
 * ```
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const host = options.host ?? defaultHost
  for (const address of [host, options.advertised?.host ?? host]) {
    if (!isLoopback(address))
      throw new Error(`the broker listens on loopback addresses only, and ${address} is not one`)
  }
  const logger = options.logger ?? silent
  // Clients that connect from now on wait until the log is recovered.
  const wanted = { ...defaultConfig, ...options.config }
  const config = { ...wanted, maxConnections: Math.min(wanted.maxConnections, descriptorBudget().connections) }
  const schedule = options.schedule ?? scheduleByTimer
  const faults = { answers: new AnswerFaults(schedule), disk: new DiskFaults(schedule) }
  const parts = { config, logger, schedule, faults: faults.answers }
  const listener = await listen({ host, port: options.port ?? defaultPort }, parts)
  try {
    return await serve(options, { host, listener, logger, config, schedule, ...faults })
  } catch (error) {
    await listener.close()
    throw error
  }
}

type ServingParts = {
  readonly host: string
  readonly listener: Listener
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly schedule: Schedule
  readonly answers: AnswerFaults
  readonly disk: DiskFaults
}

async function serve(options: BrokerOptions, parts: ServingParts): Promise<Broker> {
  const { host, listener, logger, config, schedule, answers, disk } = parts
  const clock = options.clock ?? systemClock
  const { dataDir, files, checkpointBytes } = options
  const storage = await openStorage({
    ...{ dataDir, logger, clock, wrapFiles: disk.before },
    ...(files === undefined ? {} : { files }),
    ...(checkpointBytes === undefined ? {} : { checkpointBytes }),
  })
  try {
    const told = options.advertised ?? { host, port: listener.port }
    const broker = await openContext(options, { storage, clock, ...told, logger, config, schedule })
    listener.serve(broker, handlers)
    let closing: Promise<void> | null = null
    const { transactions } = broker
    const faults = openFaults({ answers, disk, transactions, schedule, cut: () => listener.cut() })
    const close = async () => {
      faults.clear()
      await listener.close()
      broker.groups.close()
      broker.transactions.close()
      await storage.close()
    }
    const closed = () => {
      closing ??= close()
      return closing
    }
    return {
      host,
      port: listener.port,
      brokers: `${isIP(host) === 6 ? `[${host}]` : host}:${listener.port}`,
      failure: storage.failure,
      get connections() {
        return listener.connections
      },
      faults,
      close: closed,
      [Symbol.asyncDispose]: closed,
    }
  } catch (error) {
    await storage.close()
    throw error
  }
}

async function openContext(
  options: BrokerOptions,
  parts: Pick<BrokerContext, 'storage' | 'clock' | 'host' | 'port' | 'logger' | 'config'> & { schedule: Schedule },
): Promise<BrokerContext> {
  const { storage, clock, logger, config, schedule } = parts
  const shared = { storage, clock, logger, config, schedule, wrapLog: options.wrapLog ?? null }
  const groups = await openGroups(shared)
  const transactions = await openTransactions({ ...shared, groups, beforeMarker: options.beforeMarker ?? null })
  return {
    ...parts,
    nodeId: NODE_ID,
    // Created with the log, and stored in it.
    clusterId: storage.topic(OFFSETS_TOPIC)?.id ?? '',
    groups,
    transactions,
    fetchSessions: new FetchSessions(),
    served: handlers
      .map(({ key, minVersion, maxVersion }) => ({ key, minVersion, maxVersion }))
      .toSorted((left, right) => left.key - right.key),
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
