/** `GET …/topics` and `GET …/topics/{topic}/records`, for operators: every topic, as it is. */
import { type Admin, type Cluster, openReader } from '@streampay/kafka'
import { Optional, Object as Struct, String as Text } from 'typebox'
import type { ConsoleRoute } from '../definition/definition.ts'
import { negotiate } from '../http/accept.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { ProblemError } from '../http/problem.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import { beginEventStream, challengeUrl, lastEventIdOf, type StreamContext } from '../sse/stream-route.ts'
import { byPartition } from '../views/topic-feed.ts'
import { wholeNumberUpTo1000 } from '../views/view-route.ts'
import { ConsoleStream } from './console-stream.ts'
import { readRecords } from './read-records.ts'
import { locate } from './topic-position.ts'

export type ConsoleContext = StreamContext & {
  readonly guard: RouteGuard
  readonly cluster: Cluster
  readonly admin: Admin
}

export const recordsQuery = Struct(
  {
    from: Optional(Text({ maxLength: 40, description: 'beginning, end, offset:N or time:MS; default end' })),
    partition: Optional(Text({ pattern: '^[0-9]{1,4}$', description: 'only this one' })),
    limit: Optional(wholeNumberUpTo1000),
    lastEventId: Optional(Text({ maxLength: 255 })),
  },
  { additionalProperties: false },
)

const defaultLimit = 100
const mostTopicsAtOnce = 500

export function registerConsole(app: App, route: ConsoleRoute, context: ConsoleContext): void {
  const onRequest = [context.guard.scope(route.scope)]
  let streams = 0
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
      if (streams >= context.gateway.limits.consoleStreams) {
        throw new ProblemError('too-many-requests', 'Too many people watch the topics now.', {
          headers: { 'retry-after': '10' },
        })
      }
      streams++
      return openConsoleStream({ request, reply, route, context, onEnd: () => streams-- }).catch((error: unknown) => {
        streams--
        throw error
      })
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
    const records = rows.reduce((sum, row) => sum + row.latest - row.earliest, 0)
    return { name, id: topicId, partitions: rows, config: configs, records }
  })
}

function positionQueryOf(request: Request) {
  const { from, partition } = request.query
  return { from, partition, lastEventId: lastEventIdOf(request) }
}

async function sendRecords(request: Request, reply: Reply, { admin, cluster, clock }: ConsoleContext): Promise<Reply> {
  const topic = request.params.topic ?? ''
  const limit = Number(request.query.limit ?? defaultLimit)
  const position = await locate(admin, topic, positionQueryOf(request))
  const reader = openReader(cluster)
  try {
    const page = await readRecords(reader, { topic, position, limit, now: clock.now() })
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
  hub.admit(identity)
  const position = await locate(admin, topic, positionQueryOf(request))
  const name = `${route.path.slice(1)}.records`
  const stream: ConsoleStream = new ConsoleStream({
    topic,
    position,
    reader: openReader(cluster),
    sink: beginEventStream(reply),
    identity,
    scope: route.scope,
    limits: gateway.limits,
    clock,
    challengeUrl,
    onEnd: (reason) => {
      hub.remove(stream)
      onEnd()
      context.onStreamEnd(name, reason)
    },
  })
  hub.add(stream)
  context.onStreamOpen(name)
  stream.run().catch((error: unknown) => {
    request.log.error({ err: error, topic }, 'a console stream failed')
    stream.end('fault')
  })
  return reply
}
