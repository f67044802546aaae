/** The settings of the payments service, from environment variables. Those of the log are read by packages/kafka. */
import { defaultLimits } from './payments-topology.ts'

const topologyNames = ['payments', 'statistics'] as const
export type TopologyName = (typeof topologyNames)[number]

export type ServiceConfig = {
  /** PAYMENTS_SLOT: which process of the service this is, from 0. Two with one slot fence each other. */
  readonly slot: number
  /** PAYMENTS_STANDBY_REPLICAS: how many other processes keep the state of each task ready, as far as there are others. */
  readonly standbyReplicas: number
  /** PAYMENTS_TOPOLOGIES: what this process runs, separated by commas; by default both. */
  readonly topologies: readonly TopologyName[]
  /** PAYMENTS_MAX_IDEMPOTENCY_KEYS: remembered by each partition; about 300 bytes of memory each. */
  readonly maxIdempotencyKeys: number
  /** METRICS_PORT: where Prometheus finds `/metrics`; nowhere by default. */
  readonly metricsPort: number | undefined
  /** METRICS_HOST: the address of that port; loopback by default. */
  readonly metricsHost: string
}

type Env = Readonly<Record<string, string | undefined>>

/** @throws RangeError with a sentence that names the variable, its value and what it may be. */
export function configFrom(env: Env): ServiceConfig {
  return {
    slot: integer(env, 'PAYMENTS_SLOT', { min: 0, max: 9999 }) ?? 0,
    standbyReplicas: integer(env, 'PAYMENTS_STANDBY_REPLICAS', { min: 0, max: 15 }) ?? 0,
    topologies: topologiesFrom(env.PAYMENTS_TOPOLOGIES),
    maxIdempotencyKeys:
      integer(env, 'PAYMENTS_MAX_IDEMPOTENCY_KEYS', { min: 1, max: 10_000_000 }) ?? defaultLimits.maxIdempotencyKeys,
    metricsPort: integer(env, 'METRICS_PORT', { min: 0, max: 65_535 }),
    metricsHost: env.METRICS_HOST || '127.0.0.1',
  }
}

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
