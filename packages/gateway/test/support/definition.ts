/** A gateway that knows nothing of payments: one route of every kind. */
import { Integer, Optional, Object as Struct, String as Text } from 'typebox'
import { defineGateway, type Gateway, type GatewayDefinition, type Limits } from '../../src/index.ts'

export const headers = {
  domainModel: 'x:model',
  identity: 'x:identity',
  correlationId: 'x:correlation-id',
  replyTo: 'x:reply-to',
  idempotencyKey: 'idempotency-key',
  replayed: 'idempotency-replayed',
  contentType: 'content-type',
  traceparent: 'traceparent',
  status: ':status',
  replyIdentity: 'x-reply-identity',
  retryAfter: 'retry-after',
} as const

const id = Text({ minLength: 1, maxLength: 255 })
const kept = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
const compacted = { 'cleanup.policy': 'compact' }
const anything = Struct({})

export const definition: GatewayDefinition = {
  name: 'test',
  title: 'Test',
  version: '1.0.0',
  description: 'One route of every kind.',
  scopes: {
    write: 'write',
    read: 'read',
    score: 'read the score',
    watch: 'watch topics',
    'write-by-hand': 'write records',
  },
  isReserved: (identity) => identity.startsWith('system:'),
  headers,
  topics: [
    { name: 'commands', description: 'Commands', key: 'identity', config: kept, valueSchema: anything },
    { name: 'replies', description: 'Replies', key: 'correlation id', config: kept, valueSchema: anything },
    {
      name: 'profiles',
      description: 'Anybody can write it',
      key: 'id',
      config: compacted,
      valueSchema: Struct({ id, name: Text() }),
      faultOf: ({ key, value, header }) => {
        if ((header(headers.identity) ?? key) !== key) return 'its key is not its writer'
        return value === null || (value as { id: string }).id === key ? undefined : 'its id is not its key'
      },
    },
    {
      name: 'tasks',
      description: 'Tasks',
      key: 'task id',
      config: compacted,
      valueSchema: Struct({ id, text: Text() }),
    },
    {
      name: 'scores',
      description: 'One value',
      key: 'identity',
      config: compacted,
      valueSchema: Struct({ score: Integer() }),
    },
    { name: 'entries', description: 'Own log', key: 'identity', config: kept, valueSchema: Struct({ n: Integer() }) },
    {
      name: 'news',
      description: "Everybody's log",
      key: 'author',
      config: kept,
      valueSchema: Struct({ n: Integer() }),
    },
    {
      name: 'spans',
      description: 'What took how long',
      key: 'identity',
      config: kept,
      valueSchema: Struct({ traceId: Text() }),
      faultOf: () => undefined,
    },
  ],
  spanTopic: 'spans',
  commandTopic: 'commands',
  replyTopic: 'replies',
  routes: [
    {
      kind: 'command',
      path: '/do',
      summary: 'Do it',
      scope: 'write',
      model: 'Do',
      body: Struct(
        { what: Text({ minLength: 1 }), times: Optional(Integer({ minimum: 1 })) },
        { additionalProperties: false },
      ),
      success: { 200: anything },
      refusals: [409],
    },
    {
      kind: 'command',
      path: '/tasks/{id}/close',
      summary: 'Close a task',
      scope: 'write',
      model: 'Close',
      body: Struct({}, { additionalProperties: false }),
      pathHeaders: { id: 'x:task-id' },
      success: { 200: anything },
      refusals: [],
    },
    {
      kind: 'upsert',
      path: '/profile',
      summary: 'Write the own profile',
      scope: 'write',
      topic: 'profiles',
      body: Struct({ name: Text({ minLength: 1 }) }, { additionalProperties: false }),
      valueOf: (identity, body) => ({ id: identity, ...(body as { name: string }) }),
      view: '/profile',
    },
    { kind: 'reply', path: '/replies/{correlationId}', summary: 'Own reply' },
    {
      kind: 'view',
      path: '/profiles',
      summary: 'All',
      scope: 'read',
      topic: 'profiles',
      show: 'directory',
      search: ['name'],
    },
    { kind: 'view', path: '/profile', summary: 'Own', scope: 'read', topic: 'profiles', show: 'one', owners: ['key'] },
    {
      kind: 'view',
      path: '/tasks',
      summary: 'Own open tasks',
      scope: 'read',
      topic: 'tasks',
      show: 'list',
      owners: [{ header: 'x:identity' }],
      where: { header: 'x:state', equals: 'open' },
    },
    {
      kind: 'view',
      path: '/monthly-tasks',
      summary: 'Own tasks of a month',
      scope: 'read',
      topic: 'tasks',
      show: 'list',
      owners: [{ header: 'x:identity', part: { parameter: 'month', header: 'x:month', text: 'month' } }],
    },
    {
      kind: 'view',
      path: '/tasks/{id}',
      summary: 'One task of a party',
      scope: 'read',
      topic: 'tasks',
      show: 'item',
      owners: [{ header: 'x:identity' }, { header: 'x:author' }],
    },
    {
      kind: 'view',
      path: '/score',
      summary: 'Own score',
      scope: 'read',
      topic: 'scores',
      show: 'one',
      owners: [{ header: 'x:identity' }],
    },
    {
      kind: 'view',
      path: '/guarded-score',
      summary: 'Own score, by a permission of its own',
      scope: 'score',
      topic: 'scores',
      show: 'one',
      owners: [{ header: 'x:identity' }],
    },
    {
      kind: 'view',
      path: '/entries',
      summary: 'Own entries',
      scope: 'read',
      topic: 'entries',
      show: 'page',
      owners: [{ header: 'x:identity' }],
      isTraced: true,
      csv: { filename: 'entries.csv', columns: ['n', 'note'] },
      find: {
        parameters: { note: Text({ minLength: 1 }) },
        directory: '/profiles',
        matches: (value, { note }, titlesOf) => {
          const entry = value as { note?: string; with?: string }
          return entry.note === note || (entry.with !== undefined && titlesOf(entry.with).includes(note ?? ''))
        },
      },
    },
    {
      kind: 'view',
      path: '/spans',
      summary: 'Own spans',
      scope: 'read',
      topic: 'spans',
      show: 'page',
      owners: ['key'],
    },
    { kind: 'view', path: '/news', summary: 'News', scope: 'read', topic: 'news', show: 'list', byTime: true },
    { kind: 'live', path: '/live', summary: 'Several views' },
    {
      kind: 'console',
      path: '/console',
      summary: 'Topics',
      scope: 'watch',
      writing: {
        scope: 'write-by-hand',
        topics: ['profiles'],
        // Of a topic of such records this gateway knows nothing: of the first two one may be put back.
        letters: {
          judge: async (_cluster, { offset }) =>
            offset > 1 ? undefined : { refusal: offset === 0 ? undefined : 'it is old' },
          putBack: async (_cluster, { offset }) =>
            offset > 1
              ? undefined
              : { kind: 'written', place: 'commands/0/7', answer: { status: 200, detail: undefined } },
        },
      },
    },
  ],
}

export function testGateway(limits: Partial<Limits> = {}): Gateway {
  // Tests write, and ask at once.
  return defineGateway({ ...definition, limits: { commandsPerSecond: 10_000, viewLingerMs: 0, ...limits } })
}
