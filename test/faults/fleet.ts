/**
 * The services of a run, each as its real main program in a process of its own: the issuer once, one to three payments processes, two
 * gateways from which clients choose, and the simulation. A service that ends is started again.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { applicationIds } from '@streampay/domain'
import { parseOptions } from '../../apps/launcher/src/options.ts'
import type { Ending } from '../../apps/launcher/src/service-process.ts'
import { type ServiceDefinition, servicesFor } from '../../apps/launcher/src/services.ts'
import { freePorts } from '../support/free-ports.ts'
import { KeptProcess } from './kept-process.ts'
import { StateLog } from './state-log.ts'

export type FleetOptions = {
  readonly brokers: readonly string[]
  readonly replicationFactor: number | undefined
  readonly folder: string
  readonly logs: string
  readonly simulationSpeed: number
  /** How many of the other payments processes follow the state of each partition. */
  readonly standbys: number
  readonly seed: string
  readonly onOwnExit: (name: string, ending: Ending) => void
}

/** Where a process keeps its state. */
export type StateFolder = {
  readonly path: string
  /** For a payments process: the tasks whose state it has. */
  readonly application: string | undefined
}

export const maxPayments = 3
const gatewayCount = 2
const startTimeoutMs = 120_000
const root = join(import.meta.dirname, '../..')
/** Signals a payments process that it is not coming back, so that it leaves its group. */
const leaveSignal = 'SIGUSR2'

export class Fleet {
  /** The addresses of the gateways. */
  readonly origins: readonly string[]
  readonly gateways: readonly KeptProcess[]
  readonly payments: readonly KeptProcess[]
  readonly simulation: KeptProcess
  readonly #identity: KeptProcess
  readonly #certificate: string
  readonly #stateLogs = new Map<KeptProcess, StateLog>()

  constructor(parts: {
    readonly origins: readonly string[]
    readonly certificate: string
    readonly keep: (definition: ServiceDefinition, onOutput: (chunk: Buffer) => void) => KeptProcess
    readonly definitions: readonly ServiceDefinition[]
  }) {
    const { keep, definitions } = parts
    const kept = (definition: ServiceDefinition) => {
      const log = new StateLog()
      const process = keep(definition, (chunk) => log.read(chunk))
      this.#stateLogs.set(process, log)
      return process
    }
    const named = (name: string) => definitions.filter((definition) => definition.name.startsWith(name)).map(kept)
    const one = (name: string): KeptProcess => {
      const [found] = named(name)
      if (found === undefined) throw new Error(`there is no ${name} among the services`)
      return found
    }
    this.origins = parts.origins
    this.#certificate = parts.certificate
    this.#identity = one('identity')
    this.payments = named('payments')
    this.gateways = named('gateway')
    this.simulation = one('simulation')
  }

  get ca(): Buffer {
    return readFileSync(this.#certificate)
  }

  get all(): readonly KeptProcess[] {
    return [this.#identity, ...this.payments, ...this.gateways, this.simulation]
  }

  /** The payments processes that should run. */
  get runningPayments(): readonly KeptProcess[] {
    return this.payments.filter((process) => process.isWanted)
  }

  stateFolders({ definition, name }: KeptProcess): readonly StateFolder[] {
    const { GATEWAY_STATE_DIR: ofGateway, PAYMENTS_STATE_FOLDER: ofPayments } = definition.env
    if (ofGateway !== undefined) return [{ path: ofGateway, application: undefined }]
    if (ofPayments === undefined) throw new Error(`${name} keeps no state`)
    return Object.values(applicationIds).map((application) => ({ path: join(ofPayments, application), application }))
  }

  /** What its log says about its state. */
  stateLog(process: KeptProcess): StateLog {
    const log = this.#stateLogs.get(process)
    if (log === undefined) throw new Error(`${process.name} is none of the services`)
    return log
  }

  /** Starts everything, with this many payments processes; resolves when all are ready. */
  async start(processes: number): Promise<void> {
    const [firstGateway, ...otherGateways] = this.gateways
    this.#identity.start()
    // The first one makes the topics.
    await this.scale(1)
    await this.scale(processes)
    // The first one makes the certificate that all of them use.
    firstGateway?.start()
    await firstGateway?.ready(startTimeoutMs)
    for (const process of [...otherGateways, this.simulation]) process.start()
    await this.ready(startTimeoutMs)
  }

  /** Sets the number of payments processes from now on: the lowest slots. Resolves when new ones are ready and others have ended. */
  async scale(count: number): Promise<void> {
    const leaving = this.payments.slice(count).filter((process) => process.isWanted)
    const coming = this.payments.slice(0, count).filter((process) => !process.isWanted)
    for (const process of coming) process.start()
    await Promise.all([
      ...leaving.map((process) => process.stop(leaveSignal)),
      ...coming.map((process) => process.ready(startTimeoutMs)),
    ])
  }

  /** Resolves when all processes that should run are ready. @throws Error that names those that are not */
  async ready(timeoutMs: number): Promise<void> {
    await Promise.all(this.all.filter((process) => process.isWanted).map((process) => process.ready(timeoutMs)))
  }

  async stop(): Promise<void> {
    await this.simulation.stop()
    await Promise.all(this.gateways.map((process) => process.stop()))
    await Promise.all(this.payments.map((process) => process.stop()))
    await this.#identity.stop()
    for (const process of this.all) process.closeLog()
  }

  destroy(): void {
    for (const process of this.all) process.destroy()
  }
}

/** No process runs before its `start`. */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const [gatewayPort = 0, identityPort = 0, brokerPort = 0, ...otherPorts] = await freePorts(2 + gatewayCount)
  const ports = [gatewayPort, ...otherPorts]
  const keep = (definition: ServiceDefinition, onOutput: (chunk: Buffer) => void) =>
    new KeptProcess({
      definition,
      logFile: join(options.logs, `${definition.name}.log`),
      env: process.env,
      onOwnExit: options.onOwnExit,
      onOutput,
    })
  return new Fleet({
    origins: ports.map((port) => `https://localhost:${port}`),
    certificate: join(options.folder, 'gateway', 'ca.pem'),
    keep,
    definitions: definitionsFor(options, { ports, identityPort, brokerPort }),
  })
}

type Ports = { readonly ports: readonly number[]; readonly identityPort: number; readonly brokerPort: number }

/** The services that the launcher would run, with as many gateways as ports, and all slots of payments. */
function definitionsFor(options: FleetOptions, { ports, identityPort, brokerPort }: Ports): ServiceDefinition[] {
  const { brokers, folder, seed, simulationSpeed, standbys, replicationFactor } = options
  const arguments_ = {
    port: ports[0],
    'identity-port': identityPort,
    'broker-port': brokerPort,
    brokers: brokers.join(','),
    slots: maxPayments,
    standbys,
    seed,
    speed: simulationSpeed,
  }
  const launcher = parseOptions(
    Object.entries(arguments_).map(([name, value]) => `--${name}=${value}`),
    {},
  )
  if (launcher === 'help') throw new Error('help was not asked for')
  const env = {
    // The run may be longer than an hour, and clients keep their tokens.
    IDENTITY_ACCESS_TOKEN_SECONDS: '86400',
    ...(replicationFactor === undefined ? {} : { KAFKA_REPLICATION_FACTOR: String(replicationFactor) }),
  }
  return servicesFor(launcher, { root, data: folder }).flatMap((definition) => {
    const one = { ...definition, env: { ...definition.env, ...env } }
    if (definition.name !== 'gateway') return [one]
    return ports.map((port, index) => {
      const name = `gateway-${index}`
      const own = { GATEWAY_PORT: String(port), GATEWAY_STATE_DIR: join(folder, 'state', name) }
      return { ...one, name, env: { ...one.env, ...own } }
    })
  })
}
