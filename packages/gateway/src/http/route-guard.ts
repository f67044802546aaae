/** The checks before the handlers: token, scope, rate. */
import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { Limits } from '../definition/definition.ts'
import type { Guard } from '../guard/guard.ts'
import { requireScope } from '../guard/guard.ts'
import type { RefusalLog } from '../guard/refusal-log.ts'
import { ProblemError } from '../shared/problem.ts'
import { addressKey } from './address.ts'
import { type App, identityOf } from './app.ts'

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** In Fastify's type, for any kind of server. */
// biome-ignore lint/suspicious/noExplicitAny: the hook looks at headers and identity only, which all kinds have.
type AnyHook = onRequestAsyncHookHandler<any, any, any>

type Routed = { readonly routeOptions: { readonly url?: string | undefined } }

export type RouteGuard = {
  /** A valid token, with any permissions. */
  readonly identity: AnyHook
  /** A valid token with this scope. */
  readonly scope: (scope: string) => AnyHook
  /** Logs a handler's own refusal, and returns it for a throw. */
  readonly refused: (error: unknown, request: Routed) => unknown
  /** After the guard: limits the commands of one identity per second. */
  readonly rate: AnyHook
  /** After the guard: limits the reads of one identity per second. */
  readonly readRate: AnyHook
  /** Without a token: limits the requests of one address per second. The guard also counts requests that it refuses. */
  readonly anonymousRate: AnyHook
}

export type RouteGuardOptions = {
  readonly guard: Guard
  readonly realm: string
  readonly limits: Pick<Limits, 'commandsPerSecond' | 'readsPerSecond' | 'anonymousPerSecond'>
  readonly refusals: RefusalLog
}

/** The counters by identity or address; the one unused for longest is dropped first. */
const mostCounted = 20_000

export async function openRouteGuard(app: App, options: RouteGuardOptions): Promise<RouteGuard> {
  const { guard, realm, limits, refusals } = options
  // Retry-After is all that a client needs.
  const silent = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false }
  await app.register(rateLimit, {
    global: false,
    cache: mostCounted,
    addHeaders: { ...silent, 'retry-after': true },
    addHeadersOnExceeding: silent,
  })
  type Rate = { readonly max: number; readonly what: string; readonly keyOf: (request: FastifyRequest) => string }
  const rateOf = ({ max, what, keyOf }: Rate) =>
    app.rateLimit({
      max,
      timeWindow: 1_000,
      keyGenerator: (request) => keyOf(request as FastifyRequest),
      errorResponseBuilder: () =>
        new ProblemError('too-many-requests', `At most ${max} ${what}.`, { headers: { 'retry-after': '1' } }),
    }) as AnyHook
  const rate = rateOf({
    max: limits.commandsPerSecond,
    what: 'commands a second are accepted from one identity',
    keyOf: (request) => identityOf(request).subject,
  })
  const readRate = rateOf({
    max: limits.readsPerSecond,
    what: 'reads a second are answered for one identity',
    keyOf: (request) => identityOf(request).subject,
  })
  const anonymousRate = rateOf({
    max: limits.anonymousPerSecond,
    what: 'requests a second without a valid token are answered for one address',
    keyOf: ({ ip }) => addressKey(ip),
  })
  const refused = (error: unknown, request: Routed) => {
    refusals.note(error, request.routeOptions.url ?? '')
    return error
  }
  const countAnonymous = anonymousRate as unknown as Hook
  const identity: Hook = async (request, reply) => {
    try {
      request.identity = await guard.identify(request.headers.authorization)
    } catch (error) {
      refused(error, request)
      await countAnonymous(request, reply)
      throw error
    }
  }
  return {
    identity,
    refused,
    scope: (scope) => async (request: FastifyRequest, reply: FastifyReply) => {
      await identity(request, reply)
      try {
        requireScope(identityOf(request), scope, realm)
      } catch (error) {
        throw refused(error, request)
      }
    },
    rate,
    readRate,
    anonymousRate,
  }
}
