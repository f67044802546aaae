import { join } from 'node:path'
import { uiClientId } from '@streampay/domain/identities'
import type { LauncherOptions } from './options.ts'

/** One process to run. */
export type ServiceDefinition = {
  readonly name: string
  /** Those of one stage start together, after all of the stage before are ready. */
  readonly stage: number
  /** The TypeScript file that is its main program. */
  readonly main: string
  readonly env: Readonly<Record<string, string>>
  /** Flags for Node, which bound its memory. */
  readonly nodeFlags: readonly string[]
}

export type Places = {
  /** The repository. */
  readonly root: string
  /** The data folder, absolute. */
  readonly data: string
}

/** Room for what a restoration throws away: with less of it, each record that it reads is copied before it is done with. */
export const nodeFlagsOfPayments: readonly string[] = ['--max-semi-space-size=16']

/** The services to run, by stage; they stop in reverse order. Each needs only those of the stages before it. */
export function servicesFor(options: LauncherOptions, places: Places): ServiceDefinition[] {
  const services: ServiceDefinition[] = []
  if (options.brokers === undefined) services.push(broker(options, places))
  if (options.issuer === undefined) services.push(identity(options, places))
  for (let slot = 0; slot < options.slots; slot += 1) services.push(payments(options, places, slot))
  services.push(gateway(options, places))
  if (options.simulation) services.push(simulation(options, places))
  return services
}

/** What browsers open. */
export function applicationUrl({ port }: LauncherOptions): string {
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
      LOG_LEVEL: options.logLevel,
    },
    nodeFlags: ['--max-semi-space-size=1', '--max-old-space-size=128'],
  }
}

function payments(options: LauncherOptions, { root }: Places, slot: number): ServiceDefinition {
  return {
    name: slot === 0 ? 'payments' : `payments-${slot}`,
    // The first one makes the topics.
    stage: slot === 0 ? 2 : 3,
    main: join(root, 'apps/payments/src/main.ts'),
    env: {
      KAFKA_BROKERS: brokersOf(options),
      PAYMENTS_SLOT: String(slot),
      PAYMENTS_STANDBY_REPLICAS: String(options.standbys),
      LOG_LEVEL: options.logLevel,
    },
    nodeFlags: nodeFlagsOfPayments,
  }
}

function gateway(options: LauncherOptions, { root, data }: Places): ServiceDefinition {
  const { issuer, identityPort } = options
  const loopback = `http://127.0.0.1:${identityPort}`
  const tokens =
    issuer === undefined
      ? {
          OIDC_ISSUER: developmentIssuer(options),
          OIDC_CLIENT_ID: uiClientId,
          // Straight from the issuer: through the gateway itself, it would have to trust its own certificate.
          OIDC_JWKS_URI: `${loopback}/jwks`,
          IDENTITY_UPSTREAM: loopback,
        }
      : { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: options.clientId }
  return {
    name: 'gateway',
    stage: 3,
    main: join(root, 'apps/gateway/src/main.ts'),
    env: {
      GATEWAY_PORT: String(options.port),
      GATEWAY_DATA_DIR: join(data, 'gateway'),
      KAFKA_BROKERS: brokersOf(options),
      OIDC_AUDIENCE: options.audience,
      LOG_LEVEL: options.logLevel,
      ...tokens,
    },
    nodeFlags: ['--max-semi-space-size=4'],
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

function developmentIssuer(options: LauncherOptions): string {
  return `${applicationUrl(options)}identity`
}

function brokersOf({ brokers, brokerPort }: LauncherOptions): string {
  return brokers ?? `127.0.0.1:${brokerPort}`
}
