/** Opens a stream on a response, and renews its token. */

import type { Admin } from '@streampay/kafka'
import { validate } from 'uuid'
import type { Clock } from '../clock.ts'
import type { Gateway } from '../definition/definition.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { ProblemError } from '../http/problem.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import type { Lens } from '../views/lens.ts'
import type { View } from '../views/view.ts'
import { openSink, type Sink } from './sink.ts'
import { startOf } from './start.ts'
import { type EndReason, SseStream } from './stream.ts'
import type { StreamHub } from './stream-hub.ts'

export type StreamContext = {
  readonly gateway: Gateway
  readonly hub: StreamHub
  readonly admin: Admin
  readonly clock: Clock
  readonly onStreamOpen: (view: string) => void
  readonly onStreamEnd: (view: string, reason: EndReason) => void
  readonly onEvents: (view: string, count: number) => void
}

type Opening = {
  readonly request: Request
  readonly reply: Reply
  readonly view: View
  readonly lens: Lens
  readonly context: StreamContext
}

/** @throws ProblemError before the response has begun; never after */
export async function openStream({ request, reply, view, lens, context }: Opening): Promise<Reply> {
  const { gateway, hub, admin, clock } = context
  const identity = identityOf(request)
  hub.admit(identity)
  const start = await startOf(lastEventIdOf(request), { viewName: view.name, feed: view.feed, admin, clock })
  const { last } = request.query
  const stream = new SseStream({
    view,
    lens,
    identity,
    sink: beginEventStream(reply),
    start,
    last: last === undefined ? undefined : Number(last),
    limits: gateway.limits,
    clock,
    challengeUrl,
    onEvents: (count) => context.onEvents(view.name, count),
    onEnd: (reason) => {
      hub.remove(stream)
      context.onStreamEnd(view.name, reason)
    },
  })
  hub.add(stream)
  context.onStreamOpen(view.name)
  stream.run().catch((error: unknown) => {
    request.log.error({ err: error, view: view.name }, 'a stream failed')
    stream.end('fault')
  })
  return reply
}

/** The header wins: a reconnecting EventSource sends it, while its URL still has the parameter of the first time. */
export function lastEventIdOf(request: Request): string | undefined {
  const header = request.headers['last-event-id']
  const [first] = Array.isArray(header) ? header : [header]
  return first ?? request.query.lastEventId
}

/** From here on the response is ours: no compression, no buffering, no length. */
export function beginEventStream(reply: Reply): Sink {
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.raw.writeHead(200)
  return openSink(reply.raw)
}

const challengePath = '/streams/:streamId/token'

export function challengeUrl(streamId: string): string {
  return challengePath.replace(':streamId', streamId)
}

/** Where a client posts its new token before the old one expires. */
export function registerChallenge(
  app: App,
  { hub, guard }: { readonly hub: StreamHub; readonly guard: RouteGuard },
): void {
  app.route({
    method: 'POST',
    url: challengePath,
    onRequest: [guard.identity],
    handler: async (request, reply) => {
      const { streamId } = request.params as { readonly streamId: string }
      const identity = identityOf(request)
      const stream = validate(streamId) ? hub.get(streamId) : undefined
      if (stream === undefined) {
        throw new ProblemError('not-found', 'The stream is not open here. Reconnect with the last event id.')
      }
      if (stream.session.subject !== identity.subject) {
        throw new ProblemError('subject-differs', 'The stream was opened by somebody else.')
      }
      if (!identity.scopes.has(stream.scope)) {
        const detail = `The stream needs the permission "${stream.scope}", which the new token does not have.`
        throw new ProblemError('missing-scope', detail, { members: { scope: stream.scope } })
      }
      stream.session.renew(identity)
      return reply.code(204).send()
    },
  })
}
