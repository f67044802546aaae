import { join } from 'node:path'
import { uiClientId } from '@streampay/domain/identities'
import { gatewayPorts, type LauncherOptions } from './options.ts'

/** One process to run. */
export type ServiceDefinition = {
  readonly name: string
  /** Services of one stage start together, after all of the stage before are ready. */
  readonly stage: number
  /** The TypeScript file that is its main program. */
  readonly main: string
  readonly env: Readonly<Record<string, string>>
  /** Flags for Node, which bound its memory. */
  readonly nodeFlags: readonly string[]
}

export type Places = {
  /** The folder of the repository. */
  readonly root: string
  /** The data folder, absolute. */
  readonly data: string
}

/**
 * V8 collects old space when it has grown by 70 % of the live data, since a restoration throws away as much as it reads. While
 * 10,000,000 keys are read, payments take 243 MB of anonymous memory at most with these flags and `smallMalloc`, and 510 without.
 */
const nodeFlagsOfPayments: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=70']

/**
 * The same while views are built, with a smaller nursery and half of the live data: those of 1,000,000 payments take 187 MB of anonymous
 * memory at most instead of 215, for 5 % more CPU; payments through it cost the same, and take 56 MB less at 256 in flight.
 */
const nodeFlagsOfGateway: readonly string[] = ['--max-semi-space-size=4', '--heap-growing-percent=50']

/** For glibc (mallopt(3)): two arenas for all threads, and large buffers are returned at once. Other systems ignore both. */
const smallMalloc = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' } as const

/**
 * The services to run, by stage; they stop in reverse order. Each needs only those of the stages before it.
 * @param controlPort where the launcher's control interface listens, if it has one
 */
export function servicesFor(options: LauncherOptions, places: Places, controlPort?: number): ServiceDefinition[] {
  const services: ServiceDefinition[] = []
  if (options.brokers === undefined) services.push(broker(options, places))
  if (options.issuer === undefined) services.push(identity(options, places))
  for (let slot = 0; slot < options.slots; slot += 1) services.push(payments(options, places, slot))
  for (const [index, port] of gatewayPorts(options).entries()) {
    services.push(gateway(options, places, { port, index, controlPort }))
  }
  if (options.simulation) services.push(simulation(options, places))
  return services
}

/** The addresses for browsers: one of every gateway, the first gateway's first. */
export function applicationUrls(options: LauncherOptions): [string, ...string[]] {
  const [first = options.port, ...others] = gatewayPorts(options)
  return [urlOf(first), ...others.map(urlOf)]
}

function urlOf(port: number): string {
  return `https://localhost:${port}/`
}

function broker({ brokerPort, logLevel }: LauncherOptions, { root, data }: Places): ServiceDefinition {
  return {
    name: 'broker',
    stage: 1,
    main: join(root, 'packages/broker/src/main.ts'),
    env: { BROKER_PORT: String(brokerPort), BROKER_DATA_DIR: join(data, 'broker'), LOG_LEVEL: logLevel },
    nodeFlags: ['--max-semi-space-size=4'],
  }
}

function identity(options: LauncherOptions, { root, data }: Places): ServiceDefinition {
  return {
    name: 'identity',
    stage: 1,
    main: join(root, 'apps/identity/src/main.ts'),
    env: {
      IDENTITY_PORT: String(options.identityPort),
      IDENTITY_DATA_DIR: join(data, 'identity'),
      IDENTITY_ISSUER: developmentIssuer(options),
      IDENTITY_REDIRECT_ORIGINS: applicationUrls(options)
        .slice(1)
        .map((url) => new URL(url).origin)
        .join(','),
      LOG_LEVEL: options.logLevel,
    },
    nodeFlags: ['--max-semi-space-size=1', '--max-old-space-size=128'],
  }
}

function payments(options: LauncherOptions, { root, data }: Places, slot: number): ServiceDefinition {
  return {
    name: slot === 0 ? 'payments' : `payments-${slot}`,
    // The first one creates the topics.
    stage: slot === 0 ? 2 : 3,
    main: join(root, 'apps/payments/src/main.ts'),
    env: {
      ...smallMalloc,
      KAFKA_BROKERS: brokersOf(options),
      PAYMENTS_SLOT: String(slot),
      PAYMENTS_STANDBY_REPLICAS: String(options.standbys),
      PAYMENTS_STATE_FOLDER: join(data, 'state', `payments-${slot}`),
      LOG_LEVEL: options.logLevel,
    },
    nodeFlags: nodeFlagsOfPayments,
  }
}

function gateway(
  options: LauncherOptions,
  { root, data }: Places,
  {
    port,
    index,
    controlPort,
  }: { readonly port: number; readonly index: number; readonly controlPort: number | undefined },
): ServiceDefinition {
  const { issuer, identityPort } = options
  const loopback = `http://127.0.0.1:${identityPort}`
  const tokens =
    issuer === undefined
      ? {
          OIDC_ISSUER: developmentIssuer(options),
          OIDC_CLIENT_ID: uiClientId,
          // Directly from the issuer: through the gateway itself, it would have to trust its own certificate.
          OIDC_JWKS_URI: `${loopback}/jwks`,
          IDENTITY_UPSTREAM: loopback,
          ...(controlPort === undefined ? {} : { CONTROL_UPSTREAM: `http://127.0.0.1:${controlPort}` }),
        }
      : { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: options.clientId }
  const name = index === 0 ? 'gateway' : `gateway-${index}`
  return {
    name,
    stage: 3,
    main: join(root, 'apps/api/src/main.ts'),
    env: {
      ...smallMalloc,
      GATEWAY_PORT: String(port),
      GATEWAY_DATA_DIR: join(data, 'gateway'),
      GATEWAY_STATE_DIR: join(data, 'state', name),
      KAFKA_BROKERS: brokersOf(options),
      OIDC_AUDIENCE: options.audience,
      ...(options.operator === undefined ? {} : { OIDC_OPERATOR: options.operator }),
      LOG_LEVEL: options.logLevel,
      ...tokens,
    },
    nodeFlags: nodeFlagsOfGateway,
  }
}

function simulation(options: LauncherOptions, { root }: Places): ServiceDefinition {
  return {
    name: 'simulation',
    stage: 3,
    main: join(root, 'apps/simulation/src/main.ts'),
    env: {
      KAFKA_BROKERS: brokersOf(options),
      SIMULATION_SPEED: String(options.speed),
      SIMULATION_USERS: String(options.users),
      SIMULATION_MAX_USERS: String(options.maxUsers),
      LOG_LEVEL: options.logLevel,
      ...(options.seed === undefined ? {} : { SIMULATION_SEED: options.seed }),
    },
    nodeFlags: ['--max-semi-space-size=1', '--max-old-space-size=128'],
  }
}

export function developmentIssuer(options: LauncherOptions): string {
  return `${applicationUrls(options)[0]}identity`
}

/** The certificate of the development authority, which the gateway makes. */
export function authorityFile({ data }: Places): string {
  return join(data, 'gateway', 'ca.pem')
}

/** `host:port`, comma-separated. */
export function brokersOf({ brokers, brokerPort }: LauncherOptions): string {
  return brokers ?? `127.0.0.1:${brokerPort}`
}
