/** The operators' views of the log: topics and their records, consumer groups, and open transactions. */
import { type Admin, type Cluster, openReader } from '@streampay/kafka'
import { Optional, Object as Struct, String as Text } from 'typebox'
import { type ConsoleRoute, parametersSchema } from '../definition/definition.ts'
import { negotiate, vary } from '../http/accept.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import { ProblemError } from '../shared/problem.ts'
import { letterPlaceOf, queryText } from '../shared/query-texts.ts'
import { Places } from '../sse/places.ts'
import {
  beginEventStream,
  challengeUrl,
  endEventStream,
  lastPositionOf,
  type StreamContext,
} from '../sse/stream-route.ts'
import { ConsoleStream } from './console-stream.ts'
import { fresh } from './fresh.ts'
import { describeGroup, listGroups } from './groups.ts'
import { openTransactions } from './open-transactions.ts'
import { readNewest } from './read-newest.ts'
import { readRecords } from './read-records.ts'
import { consoleView, locate } from './topic-position.ts'
import { listTopics } from './topics.ts'

export type ConsoleContext = StreamContext & {
  readonly guard: RouteGuard
  readonly cluster: Cluster
  readonly admin: Admin
}

export const recordsQuery = Struct(
  {
    from: Optional(queryText('topicPosition', '; default end')),
    partition: Optional(queryText('partition', '; only this one')),
    limit: Optional(queryText('oneTo1000')),
    lastEventId: Optional(Text({ maxLength: 255 })),
  },
  { additionalProperties: false },
)

const defaultLimit = 100
/** Pages ask every few seconds; several pages share one request to the log. */
const freshMs = 500
/** The size of the values on a page: they are in memory at once, in several forms. */
const mostBytes = 4 * 1024 * 1024

export function registerConsole(app: App, route: ConsoleRoute, context: ConsoleContext): void {
  const onRequest = [context.guard.scope(route.scope), context.guard.readRate]
  const { consoleStreams, consoleStreamsOfOne } = context.gateway.limits
  const places = new Places({ ofAll: consoleStreams, ofOne: consoleStreamsOfOne, what: 'streams of topics' })
  // Each request searches topics for reasons against a return.
  const judgements = new Places({ ofAll: 4, ofOne: 2, what: 'questions about dead letters' })
  const { admin, cluster, clock } = context
  const pages = {
    topics: fresh(clock, freshMs, () => listTopics(admin)),
    groups: fresh(clock, freshMs, () => listGroups(admin)),
    transactions: fresh(clock, freshMs, () => openTransactions(admin, clock)),
  }
  for (const [name, page] of Object.entries(pages)) {
    app.get(`${route.path}/${name}`, { onRequest }, async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      return page()
    })
  }
  app.get(
    `${route.path}/groups/:group`,
    { onRequest, schema: { params: parametersSchema('{group}') } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return describeGroup(cluster, admin, (request as unknown as Request).params.group ?? '')
    },
  )
  const judge = route.writing?.letters.judge
  if (judge !== undefined) {
    app.get(
      `${route.path}/dead-letters/:partition/:offset`,
      { onRequest, schema: { params: parametersSchema('{partition}/{offset}') } },
      async (rawRequest, reply) => {
        const request = rawRequest as unknown as Request
        const place = judgements.reserve(identityOf(request).subject)
        try {
          const judged = await judge(cluster, letterPlaceOf(request.params))
          if (judged === undefined) throw new ProblemError('not-found', 'There is no such dead letter.')
          reply.header('cache-control', 'no-store')
          return { refusal: judged.refusal ?? null }
        } finally {
          place.release()
        }
      },
    )
  }
  app.route({
    method: 'GET',
    url: `${route.path}/topics/:topic/records`,
    schema: { querystring: recordsQuery },
    onRequest,
    handler: async (rawRequest, rawReply) => {
      const request = rawRequest as unknown as Request
      const reply = rawReply as unknown as Reply
      vary(reply, 'Accept, Authorization')
      const representation = negotiate(request.headers.accept, ['json', 'stream'])
      if (representation === undefined) {
        throw new ProblemError('not-acceptable', 'Records are available as JSON and as event stream.')
      }
      if (representation === 'json') return sendRecords(request, reply, context)
      if (request.method === 'HEAD') return endEventStream(reply)
      const place = places.reserve(identityOf(request).subject)
      try {
        return await openConsoleStream({ request, reply, route, context, onEnd: place.release })
      } catch (error) {
        place.release()
        throw error
      }
    },
  })
}

function positionQueryOf(request: Request) {
  const { from, partition } = request.query
  return { from, partition, after: lastPositionOf(request, consoleView) }
}

async function sendRecords(request: Request, reply: Reply, { admin, cluster, clock }: ConsoleContext): Promise<Reply> {
  const topic = request.params.topic ?? ''
  const limit = Number(request.query.limit ?? defaultLimit)
  const position = await locate(admin, topic, positionQueryOf(request))
  const reader = openReader(cluster, { onUndecodable: 'skip' })
  reply.header('cache-control', 'no-store')
  try {
    if (position.newest !== undefined) {
      const count = Math.min(position.newest, limit)
      return await reply.send({ items: await readNewest(reader, { topic, position, count, mostBytes }), next: null })
    }
    const page = await readRecords(reader, { topic, position, limit, mostBytes, now: clock.now() })
    return await reply.send(page)
  } finally {
    await reader.close()
  }
}

type Opening = {
  readonly request: Request
  readonly reply: Reply
  readonly route: ConsoleRoute
  readonly context: ConsoleContext
  readonly onEnd: () => void
}

async function openConsoleStream({ request, reply, route, context, onEnd }: Opening): Promise<Reply> {
  const { openStreams, admin, cluster, gateway, clock } = context
  const identity = identityOf(request)
  const topic = request.params.topic ?? ''
  const place = openStreams.reserve(identity)
  const position = await locate(admin, topic, positionQueryOf(request)).catch((error: unknown) => {
    place.release()
    throw error
  })
  const name = `${route.path.slice(1)}.records`
  const stream: ConsoleStream = new ConsoleStream({
    topic,
    position,
    mostBytes,
    reader: openReader(cluster, { onUndecodable: 'skip' }),
    sink: beginEventStream(reply),
    identity,
    scope: route.scope,
    limits: gateway.limits,
    clock,
    challengeUrl,
    onEnd: (reason) => {
      openStreams.remove(stream)
      place.release()
      onEnd()
      context.onStreamEnd(name, reason)
    },
  })
  context.onStreamOpen(name)
  openStreams.add(stream)
  stream.run().catch((error: unknown) => {
    request.log.error({ err: error, topic }, 'a console stream failed')
    stream.end('fault')
  })
  return reply
}
