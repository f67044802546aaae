/** Opens a stream on a response, and renews its token. */

import type { Admin } from '@streampay/kafka'
import { validate } from 'uuid'
import type { Gateway } from '../definition/definition.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import type { Clock } from '../shared/clock.ts'
import type { Position } from '../shared/event-id.ts'
import { ProblemError } from '../shared/problem.ts'
import { openSink, type Sink } from './sink.ts'
import { positionOf, startOf } from './start.ts'
import { type ShownView, SseStream } from './stream.ts'
import type { EndReason, StreamRegistry } from './stream-registry.ts'

export type StreamContext = {
  readonly gateway: Gateway
  readonly openStreams: StreamRegistry
  readonly admin: Admin
  readonly clock: Clock
  readonly onStreamOpen: (view: string) => void
  readonly onStreamEnd: (view: string, reason: EndReason) => void
  readonly onEvents: (view: string, count: number) => void
}

/** A requested view, with its parameters. */
export type Asked = Omit<ShownView, 'start'> & { readonly after: Position | undefined }

type Opening = {
  readonly request: Request
  readonly reply: Reply
  /** The name of the stream in metrics. */
  readonly name: string
  readonly asked: readonly Asked[]
  readonly context: StreamContext
  /** Adds the view to a problem. */
  readonly explain?: (error: unknown, asked: Asked) => unknown
}

/** @throws ProblemError only before the response has begun */
export async function openStream(opening: Opening): Promise<Reply> {
  const { request, reply, name, context } = opening
  if (request.method === 'HEAD') return endEventStream(reply)
  const { gateway, openStreams, clock } = context
  const identity = identityOf(request)
  const place = openStreams.reserve(identity)
  const shown = await startsOf(opening).catch((error: unknown) => {
    place.release()
    throw error
  })
  const stream: SseStream = new SseStream({
    shown,
    identity,
    sink: beginEventStream(reply),
    limits: gateway.limits,
    clock,
    challengeUrl,
    onEvents: context.onEvents,
    onFault: (error) => request.log.error({ err: error, stream: name }, 'a stream failed'),
    onEnd: (reason) => {
      openStreams.remove(stream)
      place.release()
      context.onStreamEnd(name, reason)
    },
  })
  context.onStreamOpen(name)
  openStreams.add(stream)
  stream.run().catch((error: unknown) => stream.fail(error))
  return reply
}

function startsOf({ asked, context, explain }: Opening): Promise<ShownView[]> {
  const { admin, clock } = context
  return Promise.all(
    asked.map(async (each) => {
      const { after, ...shown } = each
      const { feed } = shown.view
      try {
        return { ...shown, start: await startOf(after, { feed, admin, clock }) }
      } catch (error) {
        throw explain === undefined ? error : explain(error, each)
      }
    }),
  )
}

/**
 * The position from which a client continues. The header takes precedence: a reconnecting EventSource sends it, while its URL still
 * has the parameter of the first request. Each of the two must belong to the view, also if it is not used.
 *
 * @throws ProblemError 400
 */
export function lastPositionOf(request: Request, view: string): Position | undefined {
  const header = request.headers['last-event-id']
  const [first] = Array.isArray(header) ? header : [header]
  const ofQuery = positionOf(request.query.lastEventId, view)
  return positionOf(first, view) ?? ofQuery
}

/** From here on this module writes the response: no compression, no buffering, no length. */
export function beginEventStream(reply: Reply): Sink {
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  reply.hijack()
  const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
  // All headers at once: Node, like Fastify, keeps headers that are set one by one as long as the response is open.
  reply.raw.writeHead(200, Object.fromEntries(headers))
  for (const [name] of headers) reply.removeHeader(name)
  return openSink(reply.raw)
}

/** HEAD: the headers of GET, without a stream. */
export function endEventStream(reply: Reply): Reply {
  beginEventStream(reply).end()
  return reply
}

const challengePath = '/streams/:streamId/token'

export function challengeUrl(streamId: string): string {
  return challengePath.replace(':streamId', streamId)
}

/** Where a client posts its new token before the old one expires. */
export function registerChallenge(
  app: App,
  { openStreams, guard }: { readonly openStreams: StreamRegistry; readonly guard: RouteGuard },
): void {
  app.route({
    method: 'POST',
    url: challengePath,
    onRequest: [guard.identity, guard.readRate],
    handler: async (request, reply) => {
      const { streamId } = request.params as { readonly streamId: string }
      const identity = identityOf(request)
      const stream = validate(streamId) ? openStreams.get(streamId) : undefined
      if (stream === undefined) {
        throw new ProblemError('not-found', 'The stream is not open here. Reconnect with the last event id.')
      }
      if (stream.session.subject !== identity.subject) {
        throw new ProblemError('subject-differs', 'The stream was opened by another user.')
      }
      const scope = stream.scopes.find((each) => !identity.scopes.has(each))
      if (scope !== undefined) {
        const detail = `The stream needs the permission "${scope}", which the new token does not have.`
        throw new ProblemError('missing-scope', detail, { members: { scope } })
      }
      stream.session.renew(identity)
      return reply.code(204).send()
    },
  })
}
