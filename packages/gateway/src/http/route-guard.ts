/** What stands before the handlers: token, scope, rate. */
import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { Guard, Identity } from '../guard/guard.ts'
import { requireScope } from '../guard/guard.ts'
import { type App, identityOf } from './app.ts'
import { ProblemError } from './problem.ts'

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** As Fastify wants it, whatever the kind of server. */
// biome-ignore lint/suspicious/noExplicitAny: the hook looks at headers and identity only, which all kinds have.
type AnyHook = onRequestAsyncHookHandler<any, any, any>

export type RouteGuard = {
  /** A valid token, whatever it permits. */
  readonly identity: AnyHook
  /** A valid token with this scope. */
  readonly scope: (scope: string) => AnyHook
  /** After the guard: so many requests of one identity a second. */
  readonly rate: AnyHook
  readonly identify: (authorization: string | undefined, scope: string) => Promise<Identity>
}

export type RouteGuardOptions = { readonly guard: Guard; readonly realm: string; readonly perSecond: number }

export async function openRouteGuard(app: App, { guard, realm, perSecond }: RouteGuardOptions): Promise<RouteGuard> {
  // Retry-After says all that a client can act upon.
  const silent = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false }
  await app.register(rateLimit, {
    global: false,
    addHeaders: { ...silent, 'retry-after': true },
    addHeadersOnExceeding: silent,
  })
  const identity: Hook = async (request) => {
    request.identity = await guard.identify(request.headers.authorization)
  }
  const rate = app.rateLimit({
    max: perSecond,
    timeWindow: 1_000,
    keyGenerator: (request) => identityOf(request).subject,
    errorResponseBuilder: (_request, { max }) =>
      new ProblemError('too-many-requests', `At most ${max} commands a second are taken from one identity.`, {
        headers: { 'retry-after': '1' },
      }),
  })
  return {
    identity,
    scope: (scope) => async (request: FastifyRequest, reply: FastifyReply) => {
      await identity(request, reply)
      requireScope(identityOf(request), scope, realm)
    },
    rate: rate as AnyHook,
    identify: async (authorization, scope) => {
      const found = await guard.identify(authorization)
      requireScope(found, scope, realm)
      return found
    },
  }
}
