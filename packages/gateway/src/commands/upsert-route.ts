/**
 * `PUT`: the caller's own record of a compacted topic. If-Match is compared with this gateway's view: it prevents that an old form
 * overwrites newer data, and is no lock against another gateway.
 */
import type { Producer } from '@streampay/kafka'
import { type Gateway, routerPath, type UpsertRoute } from '../definition/definition.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { sendProblemBody } from '../http/error-handler.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import type { Clock } from '../shared/clock.ts'
import { anyMatch, noneMatch } from '../shared/entity-tag.ts'
import { ProblemError } from '../shared/problem.ts'
import { type Access, accessOf } from '../views/access.ts'
import { tagOfSnapshot } from '../views/snapshot.ts'
import type { View } from '../views/view.ts'
import type { Admission } from './admission.ts'
import { type LogState, notWritten, write } from './command-writer.ts'
import { newCorrelationId } from './correlation-id.ts'
import { keyIfGiven } from './idempotency-key.ts'
import type { CommandTrace, Tracing } from './tracing.ts'
import { within } from './within.ts'

export type UpsertContext = {
  readonly gateway: Gateway
  readonly producer: Producer
  readonly admission: Admission
  readonly log: Pick<LogState, 'isReachable'>
  readonly clock: Clock
  readonly guard: RouteGuard
  readonly tracing: Tracing
  readonly view: View
}

export function registerUpsert(app: App, route: UpsertRoute, context: UpsertContext): void {
  app.route({
    method: 'PUT',
    url: routerPath(route.path),
    schema: { body: route.body },
    onRequest: [context.guard.scope(route.scope), context.guard.rate],
    handler: (request, reply) => handle(request as unknown as Request, reply as unknown as Reply, route, context),
  })
}

async function handle(request: Request, reply: Reply, route: UpsertRoute, context: UpsertContext): Promise<Reply> {
  const { gateway, producer, view, admission, log, clock } = context
  const { replyTimeoutMs } = gateway.limits
  const startedAt = clock.elapsed()
  const { subject } = identityOf(request)
  const access = accessOf(view.route, { identity: subject })
  const idempotencyKey = keyIfGiven(request)
  const refusal = route.refuse?.(request.body)
  if (refusal !== undefined) return sendProblemBody(reply, refusal)
  if (!log.isReachable()) throw notWritten()
  admission.pass(subject)
  checkConditions(request, view, access)

  const value = JSON.stringify(route.valueOf(subject, request.body))
  const trace = context.tracing.begin(request.headers.traceparent, subject)
  const headers = headersOf({ context, subject, idempotencyKey, trace })
  const writing = write(producer, { topic: route.topic, key: subject, value, headers })
  // A log that hangs returns no error; the client gets an answer in time nevertheless.
  const written = await within(replyTimeoutMs, writing)
  if (written?.outcome === 'not-written') throw notWritten(written.cause)
  if (written?.outcome !== 'written') {
    throw new ProblemError('outcome-unknown', 'The log did not confirm the change. Read it again, or repeat it.')
  }
  trace.acknowledged(written.metadata)
  reply.raw.once('finish', trace.answered)
  // A read after the write should return the new record.
  await view.feed.reachedRecord(written.metadata, Math.max(0, replyTimeoutMs - (clock.elapsed() - startedAt)))
  reply.header('cache-control', 'private, no-cache')
  if (idempotencyKey !== undefined) reply.header('idempotency-key', idempotencyKey)
  const tag = tagOfSnapshot(view, access)
  if (tag !== undefined) reply.header('etag', tag)
  return reply.type('application/json').send(value)
}

function checkConditions(request: Request, view: View, access: Access): void {
  const ifMatch = request.headers['if-match']
  const ifNoneMatch = request.headers['if-none-match']
  if (ifMatch === undefined && ifNoneMatch === undefined) return
  if (!view.feed.caughtUp) {
    const detail = 'The view that the change is compared with is being built from the log.'
    throw new ProblemError('try-again', detail, { headers: { 'retry-after': '1' } })
  }
  const current = tagOfSnapshot(view, access)
  const headers: Record<string, string> = current === undefined ? {} : { etag: current }
  if (ifMatch !== undefined && !anyMatch(ifMatch, current)) {
    throw new ProblemError('precondition-failed', 'It was changed since you read it.', { headers })
  }
  if (ifNoneMatch !== undefined && !noneMatch(ifNoneMatch, current)) {
    throw new ProblemError('precondition-failed', 'It exists already.', { headers })
  }
}

type Write = {
  readonly context: UpsertContext
  readonly subject: string
  readonly idempotencyKey: string | undefined
  readonly trace: CommandTrace
}

function headersOf({ context, subject, idempotencyKey, trace }: Write): Record<string, string> {
  const { headers: names } = context.gateway
  return {
    [names.identity]: subject,
    [names.correlationId]: newCorrelationId(context.clock),
    ...(idempotencyKey === undefined ? {} : { [names.idempotencyKey]: idempotencyKey }),
    [names.contentType]: 'application/json',
    [names.traceparent]: trace.traceparent,
  }
}
