/** The settings of the payments service, from environment variables. Those of the log are read by packages/kafka. */
import { defaultRequestLimits, maxAmountCents, type RequestLimits } from '@streampay/domain'
import {
  type Environment,
  listSetting,
  portSetting,
  SettingError,
  textSetting,
  wholeNumberSetting,
} from '@streampay/process'
import { bytesOfKey } from './idempotency.ts'
import { checkLimits, defaultLimits, type PaymentsLimits, shareOfIdentity } from './limits.ts'

const topologyNames = ['payments', 'statistics'] as const
export type TopologyName = (typeof topologyNames)[number]

export type ServiceConfig = {
  /** PAYMENTS_SLOT: the number of this process in the service, from 0. Two processes with one slot fence each other. */
  readonly slot: number
  /** PAYMENTS_STANDBY_REPLICAS: how many other processes keep the state of each task ready, if there are enough. */
  readonly standbyReplicas: number
  /** PAYMENTS_TOPOLOGIES: the topologies of this process, separated by commas; default: both. */
  readonly topologies: readonly TopologyName[]
  /** The limits of the payments topology; `limitsFrom` has the variables. */
  readonly limits: PaymentsLimits
  /** The location of the state; undefined: in the heap. */
  readonly state: StateConfig | undefined
  /** METRICS_PORT: the port of `/metrics`; by default it is not served. */
  readonly metricsPort: number | undefined
  /** METRICS_HOST: the address of that port; default: loopback. */
  readonly metricsHost: string
}

export type StateConfig = {
  /** PAYMENTS_STATE_FOLDER: used by this process alone; each topology has a folder in it. It may be deleted at any time. */
  readonly folder: string
  /** PAYMENTS_STATE_MAX_MEBIBYTES: the largest size of each topology's state. */
  readonly maxBytes: number
  /** PAYMENTS_STATE_CACHE_MEBIBYTES: the part of it that each topology keeps in memory. */
  readonly maxCacheBytes: number
}

/** @throws SettingError; RangeError if one limit makes another useless */
export function configFrom(env: Environment): ServiceConfig {
  return {
    slot: wholeNumberSetting(env, 'PAYMENTS_SLOT', { fallback: 0, min: 0, max: 9999 }),
    standbyReplicas: wholeNumberSetting(env, 'PAYMENTS_STANDBY_REPLICAS', { fallback: 0, min: 0, max: 15 }),
    topologies: topologiesFrom(env),
    limits: limitsFrom(env),
    state: stateFrom(env),
    metricsPort: portSetting(env, 'METRICS_PORT', undefined),
    metricsHost: textSetting(env, 'METRICS_HOST', '127.0.0.1'),
  }
}

const mebibyte = 1024 * 1024

function stateFrom(env: Environment): StateConfig | undefined {
  const maxMebibytes = wholeNumberSetting(env, 'PAYMENTS_STATE_MAX_MEBIBYTES', {
    fallback: 32 * 1024,
    min: 64,
    max: 16 * mebibyte,
  })
  const cacheMebibytes = wholeNumberSetting(env, 'PAYMENTS_STATE_CACHE_MEBIBYTES', {
    fallback: 32,
    min: 1,
    max: 64 * 1024,
  })
  const folder = textSetting(env, 'PAYMENTS_STATE_FOLDER', undefined)
  if (folder === undefined) return undefined
  return { folder, maxBytes: maxMebibytes * mebibyte, maxCacheBytes: cacheMebibytes * mebibyte }
}

function limitsFrom(env: Environment): PaymentsLimits {
  const bytes = { min: bytesOfKey, max: 1024 ** 4 }
  const maxIdempotencyBytes = wholeNumberSetting(env, 'PAYMENTS_IDEMPOTENCY_BYTES', {
    fallback: defaultLimits.maxIdempotencyBytes,
    ...bytes,
  })
  const limits: PaymentsLimits = {
    maxIdempotencyBytes,
    maxBytesOfIdentity: wholeNumberSetting(env, 'PAYMENTS_IDEMPOTENCY_BYTES_OF_IDENTITY', {
      fallback: Math.max(bytesOfKey, Math.ceil(maxIdempotencyBytes * shareOfIdentity)),
      ...bytes,
    }),
    openingGrantCents: wholeNumberSetting(env, 'PAYMENTS_OPENING_GRANT_CENTS', {
      fallback: defaultLimits.openingGrantCents,
      min: 1,
      max: maxAmountCents,
    }),
    requests: requestLimitsFrom(env),
    maxFavourites: countSetting(env, 'PAYMENTS_MAX_FAVOURITE_PEOPLE', defaultLimits.maxFavourites),
  }
  checkLimits(limits)
  return limits
}

function requestLimitsFrom(env: Environment): RequestLimits {
  const { maxOpenOfRequester, maxOpenOfPair, maxOpenForDebtor, maxBlocked, openMs } = defaultRequestLimits
  const openBounds = { fallback: undefined, min: 1, max: 10 * 365 * 86_400 }
  const openSeconds = wholeNumberSetting(env, 'PAYMENTS_REQUESTS_OPEN_SECONDS', openBounds)
  return {
    maxOpenOfRequester: countSetting(env, 'PAYMENTS_MAX_OPEN_REQUESTS_OF_REQUESTER', maxOpenOfRequester),
    maxOpenOfPair: countSetting(env, 'PAYMENTS_MAX_OPEN_REQUESTS_OF_PAIR', maxOpenOfPair),
    maxOpenForDebtor: countSetting(env, 'PAYMENTS_MAX_OPEN_REQUESTS_FOR_DEBTOR', maxOpenForDebtor),
    maxBlocked: countSetting(env, 'PAYMENTS_MAX_BLOCKED_PEOPLE', maxBlocked),
    openMs: openSeconds === undefined ? openMs : openSeconds * 1000,
  }
}

function countSetting(env: Environment, name: string, fallback: number): number {
  return wholeNumberSetting(env, name, { fallback, min: 1, max: 1_000_000 })
}

function topologiesFrom(env: Environment): readonly TopologyName[] {
  const name = 'PAYMENTS_TOPOLOGIES'
  const names = listSetting(env, name)
  if (names.length === 0) return topologyNames
  const chosen = topologyNames.filter((one) => names.includes(one))
  if (chosen.length === new Set(names).size) return chosen
  throw new SettingError(`${name} must name ${topologyNames.join(' or ')}, or both, not "${env[name]}".`)
}
