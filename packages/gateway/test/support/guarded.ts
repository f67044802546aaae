/** A guard that takes the tokens of a provider of some shape, with the time of the test. */

import { onTestFinished } from 'vitest'
import { AccessRefusal } from '../../src/guard/access-refusal.ts'
import { openGuard } from '../../src/guard/guard.ts'
import { openKeySource } from '../../src/guard/key-source.ts'
import { defaultClaims, type ScopeRules, type TokenClaims } from '../../src/guard/token-claims.ts'
import { openProvider, type Shape } from './provider.ts'

export async function setUp(shape: Shape, options: { claims?: TokenClaims; rules?: ScopeRules } = {}) {
  const provider = await openProvider(shape)
  onTestFinished(() => provider.close())
  const time = { ms: 0 }
  const clock = { now: () => Date.now(), elapsed: () => time.ms }
  const warnings: object[] = []
  const logger = { warn: (details: object) => void warnings.push(details) }
  const times = { timeoutMs: 5_000, cooldownMs: 10_000, maxAgeMs: 600_000, staleMs: 24 * 3_600_000 }
  const keys = openKeySource({ issuer: provider.issuer, ...times, clock, logger })
  const { claims = defaultClaims, rules = new Map() } = options
  const guard = openGuard({
    issuer: provider.issuer,
    audience: shape.audience,
    claims,
    rules,
    isReserved: (subject) => subject.startsWith('system:'),
    keys: keys.key,
    clock,
    realm: 'test',
  })
  return { provider, guard, time, warnings, keys }
}

export async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((reason: unknown) => reason)
  if (error instanceof AccessRefusal) return error.message
  throw new Error(`not refused but ${JSON.stringify(error)}`)
}
