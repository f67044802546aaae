/**
 * A command's way: guard → rate → body → edge refusals → record on the command topic → its reply, or, when the time is
 * up, the address where the reply will be.
 */
import type { Producer } from '@streampay/kafka'
import type { Clock } from '../clock.ts'
import { type CommandRoute, type Gateway, routerPath } from '../definition/definition.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { sendProblemBody } from '../http/error-handler.ts'
import { parsePrefer } from '../http/prefer.ts'
import { ProblemError } from '../http/problem.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import { notWritten, type WriteResult, write } from './command-writer.ts'
import { newCorrelationId } from './correlation-id.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import type { InFlight } from './in-flight.ts'
import type { CommandReply, Replies } from './replies.ts'
import { traceparentOf } from './trace-context.ts'

export type CommandContext = {
  readonly gateway: Gateway
  readonly producer: Producer
  readonly replies: Replies
  readonly inFlight: InFlight
  readonly clock: Clock
  readonly guard: RouteGuard
  /** The path of the reply route with its parameter, `/replies/{correlationId}`; undefined if there is none. */
  readonly replyPath: string | undefined
}

export function registerCommand(app: App, route: CommandRoute, context: CommandContext): void {
  app.route({
    method: 'POST',
    url: routerPath(route.path),
    schema: { body: route.body },
    onRequest: [context.guard.scope(route.scope), context.guard.rate],
    handler: (request, reply) => handle(request as unknown as Request, reply as unknown as Reply, route, context),
  })
}

async function handle(request: Request, reply: Reply, route: CommandRoute, context: CommandContext): Promise<Reply> {
  const { subject } = identityOf(request)
  const idempotencyKey = idempotencyKeyOf(request.headers['idempotency-key'])
  reply.header('idempotency-key', idempotencyKey)
  const refusal = route.refuse?.(request.body, subject)
  if (refusal !== undefined) return sendProblemBody(reply, refusal)
  const leave = context.inFlight.enter(subject)
  try {
    return await execute({ request, reply, route, context, subject, idempotencyKey })
  } finally {
    leave()
  }
}

type Execution = {
  readonly request: Request
  readonly reply: Reply
  readonly route: CommandRoute
  readonly context: CommandContext
  readonly subject: string
  readonly idempotencyKey: string
}

async function execute(execution: Execution): Promise<Reply> {
  const { request, reply, context, subject } = execution
  const { gateway, clock, producer, replies } = context
  const correlationId = newCorrelationId(clock)
  const { respondAsync, waitSeconds } = parsePrefer(request.headers.prefer)
  const waitMs = Math.min(gateway.limits.replyTimeoutMs, (waitSeconds ?? (respondAsync ? 0 : Infinity)) * 1000)
  const location = context.replyPath?.replace('{correlationId}', correlationId)

  const expected = replies.expect(correlationId, subject)
  const deadline = openDeadline(gateway.limits.replyTimeoutMs)
  try {
    const written = await Promise.race([
      write(producer, recordOf(execution, correlationId)),
      // The reply may overtake the acknowledgement.
      expected.reply.then((answer): Answered => ({ outcome: 'answered', answer })),
      deadline.reached.then((): WriteResult => ({ outcome: 'unknown', cause: undefined })),
    ])
    if (written.outcome === 'answered' && written.answer !== undefined) return answer(reply, written.answer, gateway)
    if (written.outcome === 'not-written') throw notWritten(written.cause)
    // Of unknown outcome it may well be on the log: then its reply comes.
    if (written.outcome === 'written') deadline.shorten(waitMs)
    const answered = await Promise.race([expected.reply, deadline.reached])
    if (answered !== undefined) return answer(reply, answered, gateway)
    if (respondAsync && written.outcome === 'written') return accepted(reply, location)
    if (location !== undefined) reply.header('location', location)
    throw new ProblemError(
      'outcome-unknown',
      'No reply came in time. Ask at the location, or repeat with the same key.',
    )
  } finally {
    expected.giveUp()
    deadline.close()
  }
}

type Answered = { readonly outcome: 'answered'; readonly answer: CommandReply | undefined }

function accepted(reply: Reply, location: string | undefined): Reply {
  if (location !== undefined) reply.header('location', location)
  reply.header('preference-applied', 'respond-async').header('cache-control', 'no-store')
  return reply.code(202).type('application/json').send('{"status":"pending"}')
}

/** The reply as it came, whatever its status. */
export function answer(reply: Reply, found: CommandReply, { limits }: Pick<Gateway, 'limits'>): Reply {
  if (found.idempotencyKey !== undefined) reply.header('idempotency-key', found.idempotencyKey)
  if (found.replayed) reply.header('idempotency-replayed', 'true')
  // A service that is busy says nothing of when; the bound of a wait is a fair guess.
  if (found.status === 503) reply.header('retry-after', String(Math.ceil(limits.replyTimeoutMs / 10_000)))
  return reply.code(found.status).header('cache-control', 'no-store').type(found.contentType).send(found.body)
}

function recordOf({ request, route, context, subject, idempotencyKey }: Execution, correlationId: string) {
  const { headers: names, commandTopic, replyTopic } = context.gateway
  const headers: Record<string, string> = {
    [names.domainModel]: route.model,
    [names.identity]: subject,
    [names.correlationId]: correlationId,
    [names.replyTo]: replyTopic,
    [names.idempotencyKey]: idempotencyKey,
    [names.contentType]: 'application/json',
    [names.traceparent]: traceparentOf(request.headers.traceparent),
  }
  for (const [parameter, header] of Object.entries(route.pathHeaders ?? {})) {
    headers[header] = request.params[parameter] ?? ''
  }
  return { topic: commandTopic, key: subject, value: JSON.stringify(request.body), headers }
}

/** Resolves (with nothing) when the time is up; it can be made shorter, counted from its opening. */
function openDeadline(timeoutMs: number) {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let timer = setTimeout(() => resolve(undefined), timeoutMs)
  return {
    reached: promise,
    shorten: (ms: number) => {
      if (ms >= timeoutMs) return
      clearTimeout(timer)
      timer = setTimeout(() => resolve(undefined), ms)
    },
    close: () => clearTimeout(timer),
  }
}
