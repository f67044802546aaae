/**
 * The steps of a command: guard → rate → body → refusals at the edge → is the log reachable? → admission → record on the command
 * topic → its reply or, after the wait, the address at which the reply will be.
 */
import type { Producer } from '@streampay/kafka'
import { moments, tellMoment } from '@streampay/process'
import { type CommandRoute, type Gateway, parametersSchema, routerPath } from '../definition/definition.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { sendProblemBody } from '../http/error-handler.ts'
import { parsePrefer } from '../http/prefer.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import type { Clock } from '../shared/clock.ts'
import { ProblemError } from '../shared/problem.ts'
import type { Admission } from './admission.ts'
import { type LogState, notWritten, write } from './command-writer.ts'
import type { WaitingCommand } from './concurrency-limit.ts'
import { newCorrelationId } from './correlation-id.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import type { CommandReply, Replies } from './replies.ts'
import type { CommandTrace, Tracing } from './tracing.ts'
import { within } from './within.ts'

export type CommandContext = {
  readonly gateway: Gateway
  readonly producer: Producer
  readonly replies: Replies
  readonly admission: Admission
  readonly log: LogState
  readonly clock: Clock
  readonly guard: RouteGuard
  readonly tracing: Tracing
  /** The path of the reply route with its parameter, `/replies/{correlationId}`; undefined if there is none. */
  readonly replyPath: string | undefined
  /** Called with the time that a command waited for its answer, in ms. */
  readonly onAnswered?: ((tookMs: number) => void) | undefined
}

export function registerCommand(app: App, route: CommandRoute, context: CommandContext): void {
  app.route({
    method: 'POST',
    url: routerPath(route.path),
    schema: { body: route.body, params: parametersSchema(route.path) },
    onRequest: [context.guard.scope(route.scope), context.guard.rate],
    handler: (request, reply) => handle(request as unknown as Request, reply as unknown as Reply, route, context),
  })
}

async function handle(request: Request, reply: Reply, route: CommandRoute, context: CommandContext): Promise<Reply> {
  const { subject } = identityOf(request)
  const idempotencyKey = idempotencyKeyOf(request)
  reply.header('idempotency-key', idempotencyKey)
  const refusal = route.refuse?.(request.body, subject)
  if (refusal !== undefined) return sendProblemBody(reply, refusal)
  if (!context.log.isReachable()) throw notWritten()
  const waiting = context.admission.enter(subject)
  const trace = context.tracing.begin(request.headers.traceparent, subject)
  reply.raw.once('finish', trace.answered)
  return execute({ request, reply, route, context, subject, idempotencyKey, waiting, trace })
}

type Execution = {
  readonly request: Request
  readonly reply: Reply
  readonly route: CommandRoute
  readonly context: CommandContext
  readonly subject: string
  readonly idempotencyKey: string
  readonly waiting: WaitingCommand
  readonly trace: CommandTrace
}

async function execute(execution: Execution): Promise<Reply> {
  const { request, reply, context, trace } = execution
  const { gateway, clock, producer } = context
  const correlationId = newCorrelationId(clock)
  if (moments.hasSubscribers) tellMoment({ step: 'asked', id: correlationId })
  const { respondAsync, waitSeconds } = parsePrefer(request.headers.prefer)
  const waitMs = Math.min(gateway.limits.replyTimeoutMs, (waitSeconds ?? (respondAsync ? 0 : Infinity)) * 1000)
  const location = context.replyPath?.replace('{correlationId}', correlationId)

  const expected = expectReply(execution, correlationId)
  const written = await Promise.race([
    write(producer, recordOf(execution, correlationId)).then((result) => {
      if (result.outcome === 'written') trace.acknowledged(result.metadata)
      return result
    }),
    // The reply may come before the acknowledgement.
    expected.reply.then((found): Ended => ({ outcome: 'ended', found })),
  ])
  if (written.outcome === 'written') {
    context.log.heard()
    if (moments.hasSubscribers) tellMoment({ step: 'acknowledged', id: correlationId, ...written.metadata })
  }
  if (written.outcome === 'not-written') {
    expected.giveUp()
    throw notWritten(written.cause)
  }
  // With an unknown outcome, the record may be on the log: then a reply comes.
  const found =
    written.outcome === 'ended'
      ? written.found
      : await within(written.outcome === 'written' ? waitMs : gateway.limits.replyTimeoutMs, expected.reply)
  if (moments.hasSubscribers) tellMoment({ step: 'answered', id: correlationId })
  if (found !== undefined) trace.replied()
  const isOnLog = written.outcome === 'written' || found !== undefined
  // A client that asked not to wait gets the same answer, whether or not the reply is faster than the acknowledgement.
  if (respondAsync && isOnLog && (found === undefined || waitMs === 0)) return accepted(reply, location)
  if (found !== undefined) return answer(reply, found, gateway)
  if (location !== undefined) reply.header('location', location)
  throw new ProblemError('outcome-unknown', 'No reply came in time. Ask at the location, or repeat with the same key.')
}

type Ended = { readonly outcome: 'ended'; readonly found: CommandReply | undefined }

/**
 * The reply, or undefined after the longest wait. Until then the command counts as waiting, even if its
 * client asked for a shorter wait: it takes a place at the service like all others.
 */
function expectReply({ context, subject, waiting }: Execution, correlationId: string) {
  const { replies, gateway, clock, onAnswered } = context
  const startedAt = clock.elapsed()
  const expected = replies.expect(correlationId, subject)
  const timer = setTimeout(expected.giveUp, gateway.limits.replyTimeoutMs)
  const reply = expected.reply.then((found) => {
    clearTimeout(timer)
    if (found === undefined) waiting.left()
    else {
      waiting.answered()
      onAnswered?.(clock.elapsed() - startedAt)
    }
    return found
  })
  return { reply, giveUp: expected.giveUp }
}

function accepted(reply: Reply, location: string | undefined): Reply {
  if (location !== undefined) reply.header('location', location)
  reply.header('preference-applied', 'respond-async').header('cache-control', 'no-store')
  return reply.code(202).type('application/json').send('{"status":"pending"}')
}

/** The reply unchanged, with any status. */
export function answer(reply: Reply, found: CommandReply, { limits }: Pick<Gateway, 'limits'>): Reply {
  if (found.idempotencyKey !== undefined) reply.header('idempotency-key', found.idempotencyKey)
  if (found.replayed) reply.header('idempotency-replayed', 'true')
  if (found.retryAfter !== undefined) reply.header('retry-after', found.retryAfter)
  // A busy service may give no Retry-After; the limit of a wait is a good estimate.
  else if (found.status === 503) reply.header('retry-after', String(Math.ceil(limits.replyTimeoutMs / 10_000)))
  return reply.code(found.status).header('cache-control', 'no-store').type(found.contentType).send(found.body)
}

function recordOf({ request, route, context, subject, idempotencyKey, trace }: Execution, correlationId: string) {
  const { headers: names, commandTopic, replyTopic } = context.gateway
  const headers: Record<string, string> = {
    [names.domainModel]: route.model,
    [names.identity]: subject,
    [names.correlationId]: correlationId,
    [names.replyTo]: replyTopic,
    [names.idempotencyKey]: idempotencyKey,
    [names.contentType]: 'application/json',
    [names.traceparent]: trace.traceparent,
  }
  for (const [parameter, header] of Object.entries(route.pathHeaders ?? {})) {
    headers[header] = request.params[parameter] ?? ''
  }
  return { topic: commandTopic, key: subject, value: JSON.stringify(request.body), headers }
}
