/** The settings of the payments service, from environment variables. Those of the log are read by packages/kafka. */
import { defaultRequestLimits, maxAmountCents, type RequestLimits } from '@streampay/domain'
import { bytesOfKey } from './idempotency.ts'
import { checkLimits, defaultLimits, type PaymentsLimits, shareOfIdentity } from './limits.ts'

const topologyNames = ['payments', 'statistics'] as const
export type TopologyName = (typeof topologyNames)[number]

export type ServiceConfig = {
  /** PAYMENTS_SLOT: which process of the service this is, from 0. Two with one slot fence each other. */
  readonly slot: number
  /** PAYMENTS_STANDBY_REPLICAS: how many other processes keep the state of each task ready, as far as there are others. */
  readonly standbyReplicas: number
  /** PAYMENTS_TOPOLOGIES: what this process runs, separated by commas; by default both. */
  readonly topologies: readonly TopologyName[]
  /** Of the payments topology; the variables stand in `limitsFrom`. */
  readonly limits: PaymentsLimits
  /** Where the state is kept; undefined: in the heap. */
  readonly state: StateConfig | undefined
  /** METRICS_PORT: where Prometheus finds `/metrics`; nowhere by default. */
  readonly metricsPort: number | undefined
  /** METRICS_HOST: the address of that port; loopback by default. */
  readonly metricsHost: string
}

export type StateConfig = {
  /** PAYMENTS_STATE_FOLDER: of this process alone; each topology has a folder in it. It may always be deleted. */
  readonly folder: string
  /** PAYMENTS_STATE_MAX_MEBIBYTES: how large that of each topology may grow. */
  readonly maxBytes: number
  /** PAYMENTS_STATE_CACHE_MEBIBYTES: what of it each topology keeps in memory. */
  readonly maxCacheBytes: number
}

type Env = Readonly<Record<string, string | undefined>>

/** @throws RangeError with a sentence that names the variable, its value and what it may be. */
export function configFrom(env: Env): ServiceConfig {
  return {
    slot: integer(env, 'PAYMENTS_SLOT', { min: 0, max: 9999 }) ?? 0,
    standbyReplicas: integer(env, 'PAYMENTS_STANDBY_REPLICAS', { min: 0, max: 15 }) ?? 0,
    topologies: topologiesFrom(env.PAYMENTS_TOPOLOGIES),
    limits: limitsFrom(env),
    state: stateFrom(env),
    metricsPort: integer(env, 'METRICS_PORT', { min: 0, max: 65_535 }),
    metricsHost: env.METRICS_HOST || '127.0.0.1',
  }
}

const mebibyte = 1024 * 1024

function stateFrom(env: Env): StateConfig | undefined {
  const maxMebibytes = integer(env, 'PAYMENTS_STATE_MAX_MEBIBYTES', { min: 64, max: 16 * mebibyte }) ?? 32 * 1024
  const cacheMebibytes = integer(env, 'PAYMENTS_STATE_CACHE_MEBIBYTES', { min: 1, max: 64 * 1024 }) ?? 32
  const folder = env.PAYMENTS_STATE_FOLDER
  if (folder === undefined || folder === '') return undefined
  return { folder, maxBytes: maxMebibytes * mebibyte, maxCacheBytes: cacheMebibytes * mebibyte }
}

function limitsFrom(env: Env): PaymentsLimits {
  const bytes = { min: bytesOfKey, max: 1024 ** 4 }
  const maxIdempotencyBytes = integer(env, 'PAYMENTS_IDEMPOTENCY_BYTES', bytes) ?? defaultLimits.maxIdempotencyBytes
  const limits: PaymentsLimits = {
    maxIdempotencyBytes,
    maxBytesOfIdentity:
      integer(env, 'PAYMENTS_IDEMPOTENCY_BYTES_OF_IDENTITY', bytes) ??
      Math.max(bytesOfKey, Math.ceil(maxIdempotencyBytes * shareOfIdentity)),
    openingGrantCents:
      integer(env, 'PAYMENTS_OPENING_GRANT_CENTS', { min: 1, max: maxAmountCents }) ?? defaultLimits.openingGrantCents,
    requests: requestLimitsFrom(env),
    maxFavourites:
      integer(env, 'PAYMENTS_MAX_FAVOURITE_PEOPLE', { min: 1, max: 1_000_000 }) ?? defaultLimits.maxFavourites,
  }
  checkLimits(limits)
  return limits
}

function requestLimitsFrom(env: Env): RequestLimits {
  const bound = { min: 1, max: 1_000_000 }
  const openSeconds = integer(env, 'PAYMENTS_REQUESTS_OPEN_SECONDS', { min: 1, max: 10 * 365 * 86_400 })
  return {
    maxOpenOfRequester: integer(env, 'PAYMENTS_MAX_OPEN_REQUESTS_OF_REQUESTER', bound) ?? defaults.maxOpenOfRequester,
    maxOpenOfPair: integer(env, 'PAYMENTS_MAX_OPEN_REQUESTS_OF_PAIR', bound) ?? defaults.maxOpenOfPair,
    maxOpenForDebtor: integer(env, 'PAYMENTS_MAX_OPEN_REQUESTS_FOR_DEBTOR', bound) ?? defaults.maxOpenForDebtor,
    maxBlocked: integer(env, 'PAYMENTS_MAX_BLOCKED_PEOPLE', bound) ?? defaults.maxBlocked,
    openMs: openSeconds === undefined ? defaults.openMs : openSeconds * 1000,
  }
}

const defaults = defaultRequestLimits

function integer(env: Env, name: string, { min, max }: { min: number; max: number }): number | undefined {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new RangeError(`${name} is "${text}", but must be a whole number from ${min} to ${max}`)
}

function topologiesFrom(text: string | undefined): readonly TopologyName[] {
  if (text === undefined || text === '') return topologyNames
  const names = text.split(',').map((name) => name.trim())
  const chosen = topologyNames.filter((name) => names.includes(name))
  if (chosen.length === new Set(names).size) return chosen
  throw new RangeError(`PAYMENTS_TOPOLOGIES is "${text}", but may only name ${topologyNames.join(' and ')}`)
}
