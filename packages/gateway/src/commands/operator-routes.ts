/**
 * The two writes of operators: a record to a topic that any client can write, and the return of a dead-lettered record to its
 * topic. The writer is always the subject of the token: an operator can't write in the name of another person.
 */
import type { Cluster, Producer } from '@streampay/kafka'
import { Integer, Array as List, Null, Optional, type Static, Object as Struct, String as Text, Union } from 'typebox'
import {
  type ConsoleRoute,
  type ConsoleWriting,
  consoleWritingPaths,
  type Gateway,
  parametersSchema,
  routerPath,
} from '../definition/definition.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { malformedBody } from '../http/json-body.ts'
import type { RouteGuard } from '../http/route-guard.ts'
import type { Clock } from '../shared/clock.ts'
import { ProblemError } from '../shared/problem.ts'
import { letterPlaceOf } from '../shared/query-texts.ts'
import { Places } from '../sse/places.ts'
import { type LogState, notWritten, write } from './command-writer.ts'
import { newCorrelationId } from './correlation-id.ts'
import { within } from './within.ts'

export type OperatorContext = {
  readonly gateway: Gateway
  readonly cluster: Cluster
  readonly producer: Producer
  readonly log: Pick<LogState, 'isReachable'>
  readonly clock: Clock
  readonly guard: RouteGuard
}

const longestKey = 1_024
const longestHeader = 4_096
const mostHeaders = 50

/** Texts in UTF-8; null for no key, and for a tombstone. */
export const recordBody = Struct(
  {
    key: Union([Text({ maxLength: longestKey }), Null()]),
    value: Union([Text(), Null()]),
    headers: Optional(
      List(
        Struct(
          { name: Text({ minLength: 1, maxLength: 255 }), value: Text({ maxLength: longestHeader }) },
          { additionalProperties: false },
        ),
        {
          maxItems: mostHeaders,
        },
      ),
    ),
    partition: Optional(Integer({ minimum: 0, maximum: 9_999, description: 'By default that of the key.' })),
  },
  { additionalProperties: false, title: 'RecordByHand' },
)

export function registerOperatorRoutes(app: App, route: ConsoleRoute, context: OperatorContext): void {
  const { writing } = route
  if (writing === undefined) return
  const { guard } = context
  const onRequest = [guard.scope(writing.scope), guard.rate]
  // Each request searches topics for reasons against it.
  const places = new Places({ ofAll: 2, ofOne: 1, what: 'dead letters being put back' })
  app.route({
    method: 'POST',
    url: routerPath(`${route.path}${consoleWritingPaths.records}`),
    schema: { params: parametersSchema('{topic}'), body: recordBody },
    onRequest,
    handler: async (request, reply) => {
      const written = await writeByHand(request as unknown as Request, writing, context)
      return reply.code(201).header('cache-control', 'no-store').send(written)
    },
  })
  app.route({
    method: 'POST',
    url: routerPath(`${route.path}${consoleWritingPaths.letter}`),
    schema: { params: parametersSchema('{partition}/{offset}') },
    onRequest,
    handler: async (rawRequest, rawReply) => {
      const request = rawRequest as unknown as Request
      const place = places.reserve(identityOf(request).subject)
      try {
        return await putBack(request, rawReply as unknown as Reply, writing, context)
      } finally {
        place.release()
      }
    },
  })
}

async function writeByHand(request: Request, { topics }: ConsoleWriting, context: OperatorContext) {
  const { gateway, cluster, producer, log, clock } = context
  const topic = request.params.topic ?? ''
  if (!topics.includes(topic)) {
    throw new ProblemError(
      'topic-not-writable',
      `A record can be written by hand to ${topics.join(' and ')}, not to "${topic}".`,
    )
  }
  const { key, value, headers = [], partition } = request.body as Static<typeof recordBody>
  const { identity, correlationId } = gateway.headers
  const fault = faultOfHeaders(headers, [identity, correlationId])
  if (fault !== undefined) throw malformedBody([{ field: 'headers', message: fault }])
  if (!log.isReachable()) throw notWritten()
  const count = (await cluster.topic(topic)).partitions.length
  if (partition !== undefined && partition >= count) {
    throw malformedBody([{ field: 'partition', message: `must be from 0 to ${count - 1}` }])
  }
  const own = { [identity]: identityOf(request).subject, [correlationId]: newCorrelationId(clock) }
  const record = {
    topic,
    key,
    value,
    headers: { ...own, ...Object.fromEntries(headers.map((header) => [header.name, header.value])) },
    ...(partition === undefined ? {} : { partition }),
  }
  const written = await within(gateway.limits.replyTimeoutMs, write(producer, record))
  if (written?.outcome === 'not-written') throw notWritten(written.cause)
  if (written?.outcome !== 'written') {
    throw new ProblemError(
      'outcome-unknown',
      'The log did not confirm the record. Look at the topic before you write it again.',
    )
  }
  request.log.info(
    { topic, ...placeOf(written.metadata), by: identityOf(request).subject },
    'a record was written by hand',
  )
  return { topic, ...placeOf(written.metadata) }
}

function faultOfHeaders(headers: readonly { readonly name: string }[], own: readonly string[]): string | undefined {
  const names = headers.map(({ name }) => name)
  const ours = own.find((name) => names.includes(name))
  if (ours !== undefined) return `must not have ${ours}: the gateway sets it itself`
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  return repeated === undefined ? undefined : `must not have ${repeated} twice`
}

function placeOf({ partition, offset }: { readonly partition: number; readonly offset: number }) {
  return { partition, offset }
}

async function putBack(request: Request, reply: Reply, { letters }: ConsoleWriting, { cluster, log }: OperatorContext) {
  if (!log.isReachable()) throw notWritten()
  const place = letterPlaceOf(request.params)
  const result = await letters.putBack(cluster, place)
  if (result === undefined) throw new ProblemError('not-found', 'There is no such dead letter.')
  request.log.info({ letter: place, result, by: identityOf(request).subject }, 'a dead letter was to be put back')
  return reply.header('cache-control', 'no-store').send(result)
}
