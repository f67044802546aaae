/** `GET …/topics` and `GET …/topics/{topic}/records`, for operators: every topic, as it is. */
import { type Admin, type Cluster, openReader } from '@streampay/kafka'
import { Optional, Object as Struct, String as Text } from 'typebox'
import type { ConsoleRoute } from '../definition/definition.ts'
import { negotiate } from '../http/accept.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { queryText } from '../http/query-texts.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import { byPartition } from '../shared/by-partition.ts'
import { ProblemError } from '../shared/problem.ts'
import { Places } from '../sse/places.ts'
import {
  beginEventStream,
  challengeUrl,
  endEventStream,
  lastPositionOf,
  type StreamContext,
} from '../sse/stream-route.ts'
import { ConsoleStream } from './console-stream.ts'
import { readRecords } from './read-records.ts'
import { consoleView, locate } from './topic-position.ts'

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
const mostTopicsAtOnce = 500
/** Of the values on a page: they are in memory at once, in several forms. */
const mostBytes = 4 * 1024 * 1024

export function registerConsole(app: App, route: ConsoleRoute, context: ConsoleContext): void {
  const onRequest = [context.guard.scope(route.scope), context.guard.readRate]
  const { consoleStreams, consoleStreamsOfOne } = context.gateway.limits
  const places = new Places({ ofAll: consoleStreams, ofOne: consoleStreamsOfOne, what: 'streams of topics' })
  app.get(`${route.path}/topics`, { onRequest }, async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return listTopics(context.admin)
  })
  app.route({
    method: 'GET',
    url: `${route.path}/topics/:topic/records`,
    schema: { querystring: recordsQuery },
    onRequest,
    handler: async (rawRequest, rawReply) => {
      const request = rawRequest as unknown as Request
      const reply = rawReply as unknown as Reply
      reply.header('vary', 'Accept, Authorization')
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

async function listTopics(admin: Admin) {
  const names = (await admin.listTopics()).sort().slice(0, mostTopicsAtOnce)
  const described = await admin.describeTopics(names)
  const partitions = described.flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, partition })),
  )
  const [earliest, latest] = await Promise.all([
    admin.listOffsets(partitions, 'earliest'),
    admin.listOffsets(partitions, 'latest'),
  ])
  const starts = Map.groupBy(earliest, ({ topic }) => topic)
  const ends = Map.groupBy(latest, ({ topic }) => topic)
  return described.map(({ name, topicId, configs }) => {
    const from = byPartition(starts.get(name) ?? [])
    const rows = byPartition(ends.get(name) ?? []).map((end, partition) => ({
      partition,
      earliest: from[partition] ?? 0,
      latest: end,
    }))
    const offsets = rows.reduce((sum, row) => sum + row.latest - row.earliest, 0)
    return { name, id: topicId, partitions: rows, config: configs, offsets }
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
  try {
    const page = await readRecords(reader, { topic, position, limit, mostBytes, now: clock.now() })
    return await reply.header('cache-control', 'no-store').send(page)
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
  const { hub, admin, cluster, gateway, clock } = context
  const identity = identityOf(request)
  const topic = request.params.topic ?? ''
  const place = hub.reserve(identity)
  const position = await locate(admin, topic, positionQueryOf(request)).catch((error: unknown) => {
    place.release()
    throw error
  })
  const name = `${route.path.slice(1)}.records`
  const stream: ConsoleStream = new ConsoleStream({
    topic,
    position,
    reader: openReader(cluster, { onUndecodable: 'skip' }),
    sink: beginEventStream(reply),
    identity,
    scope: route.scope,
    limits: gateway.limits,
    clock,
    challengeUrl,
    onEnd: (reason) => {
      hub.remove(stream)
      place.release()
      onEnd()
      context.onStreamEnd(name, reason)
    },
  })
  context.onStreamOpen(name)
  hub.add(stream)
  stream.run().catch((error: unknown) => {
    request.log.error({ err: error, topic }, 'a console stream failed')
    stream.end('fault')
  })
  return reply
}
