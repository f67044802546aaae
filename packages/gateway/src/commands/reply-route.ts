/** `GET /replies/{correlationId}`: the caller's own reply, for ten minutes after the request. */

import { type Gateway, parametersSchema, type ReplyRoute, routerPath } from '../definition/definition.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import type { Clock } from '../shared/clock.ts'
import { ProblemError } from '../shared/problem.ts'
import { answer } from './command-route.ts'
import { timeOfCorrelationId } from './correlation-id.ts'
import { type CommandReply, type Replies, replyWindowMs } from './replies.ts'

export type ReplyContext = {
  readonly gateway: Gateway
  readonly replies: Replies
  readonly clock: Clock
  readonly guard: RouteGuard
  /** Searches the log for a reply that is no longer in memory. @throws ProblemError 503 */
  readonly findOnLog: (correlationId: string, requestTime: number) => Promise<CommandReply | undefined>
}

export function registerReplies(app: App, route: ReplyRoute, context: ReplyContext): void {
  app.route({
    method: 'GET',
    url: routerPath(route.path),
    schema: { params: parametersSchema(route.path) },
    onRequest: [context.guard.identity, context.guard.readRate],
    handler: (request, reply) => handle(request as unknown as Request, reply as unknown as Reply, context),
  })
}

async function handle(request: Request, reply: Reply, context: ReplyContext): Promise<Reply> {
  const { replies, clock, gateway } = context
  const { subject } = identityOf(request)
  const correlationId = (request.params.correlationId ?? '').toLowerCase()
  const requestTime = timeOfCorrelationId(correlationId)
  // Another identity's reply looks exactly like a missing one (INV-6).
  const nothing = new ProblemError('not-found', 'There is no such reply, or it is no longer kept.')
  if (requestTime === undefined) throw nothing
  const found = replies.get(correlationId, subject) ?? (await findDropped(correlationId, requestTime, context))
  if (found?.identity === subject) return answer(reply, found, gateway)
  const ageMs = clock.now() - requestTime
  // Clocks of gateways differ a little, but no gateway makes an id of the far future.
  if (ageMs >= replyWindowMs || ageMs < -replyWindowMs) throw nothing
  return reply
    .code(202)
    .headers({ 'retry-after': '1', 'cache-control': 'no-store' })
    .type('application/json')
    .send('{"status":"pending"}')
}

async function findDropped(correlationId: string, requestTime: number, context: ReplyContext) {
  const { replies, clock, findOnLog } = context
  const isOld = clock.now() - requestTime >= replyWindowMs
  return isOld || replies.isComplete(requestTime) ? undefined : findOnLog(correlationId, requestTime)
}
