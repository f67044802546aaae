import { describe, expect, it } from 'vitest'
import {
  asyncApiOf,
  DefinitionError,
  defineGateway,
  type GatewayDefinition,
  openApiOf,
  type ViewRoute,
} from '../src/index.ts'
import { definition, testGateway } from './support/definition.ts'

function faultsOf(changed: GatewayDefinition): readonly string[] {
  try {
    defineGateway(changed)
    return []
  } catch (error) {
    if (error instanceof DefinitionError) return error.faults
    throw error
  }
}

const view: ViewRoute = { kind: 'view', path: '/extra', summary: '', scope: 'read', topic: 'news', show: 'list' }

function withView(changes: Partial<ViewRoute>): GatewayDefinition {
  return { ...definition, routes: [...definition.routes, { ...view, ...changes }] }
}

describe('a definition', () => {
  it('of every kind of route is accepted', () => {
    expect(faultsOf(definition)).toEqual([])
  })

  it.each([
    ['an unknown scope', withView({ scope: 'nope' }), '/extra: the scope "nope" is not among the scopes'],
    ['an unknown topic', withView({ topic: 'nope' }), '/extra: the topic "nope" is not among the topics'],
    [
      'one value of a topic that keeps all',
      withView({ show: 'one' }),
      '/extra: "one" needs a compacted topic, and "news" is not',
    ],
    [
      'pages of a compacted topic',
      withView({ topic: 'tasks', show: 'page' }),
      '/extra: "page" needs a topic that keeps every record, and "tasks" is compacted',
    ],
    [
      'a search in what is no directory',
      withView({ topic: 'tasks', search: ['text'] }),
      '/extra: a directory, and nothing else, has "search"',
    ],
    [
      'a directory of a topic that keeps all',
      withView({ show: 'directory', search: ['n'] }),
      '/extra: "directory" needs a compacted topic, and "news" is not',
    ],
    [
      'a directory that hides something',
      withView({ topic: 'tasks', show: 'directory', search: ['text'], owners: ['key'] }),
      '/extra: a directory shows every record',
    ],
    ['a path that is none', withView({ path: 'extra' }), '/extra: the path'],
    [
      'an item that anybody could read',
      withView({ path: '/extra/{id}', topic: 'tasks', show: 'item' }),
      '/extra/{id}: an item needs owners',
    ],
    [
      'a path without the item’s id',
      withView({ topic: 'tasks', show: 'item', owners: ['key'] }),
      '/extra: the path has the parameters none',
    ],
    [
      'a search of what is no page',
      withView({ find: { parameters: {}, directory: '/profiles', matches: () => true } }),
      '/extra: only a page has "find"',
    ],
    [
      'a search with names from nowhere',
      withView({ show: 'page', find: { parameters: {}, directory: '/news', matches: () => true } }),
      '/extra: "/news" is not a directory',
    ],
    ['a time of a table', withView({ topic: 'tasks', byTime: true }), '/extra: "byTime" is for a list'],
    ['the same address twice', withView({ path: '/news' }), 'GET /news is defined twice'],
    [
      'no topic of what is set aside',
      { ...definition, setAsideTopic: 'nope' },
      'the topic of set-aside records, "nope", is not among the topics',
    ],
    [
      'what is set aside on a topic that keeps all',
      { ...definition, setAsideTopic: 'news' },
      'the topic of set-aside records, "news", is not compacted',
    ],
    [
      'a missing command topic',
      { ...definition, commandTopic: 'nope' },
      'the command topic "nope" is not among the topics',
    ],
    [
      'a limit that is none',
      { ...definition, limits: { streams: 0 } },
      'the limit streams must be an integer from 1, not 0',
    ],
    [
      'a time that runs backwards',
      { ...definition, limits: { viewLingerMs: -1 } },
      'the limit viewLingerMs must be an integer from 0, not -1',
    ],
  ])('refuses %s', (_what, changed, fault) => {
    expect(faultsOf(changed).join('\n')).toContain(fault.replace(/^\/extra: the path$/, 'the path is not of the form'))
  })

  it('names all faults at once', () => {
    expect(faultsOf({ ...withView({ scope: 'nope', topic: 'gone' }), commandTopic: 'nope' }).length).toBe(3)
  })
})

describe('the documents', () => {
  const openApi = openApiOf(testGateway()) as {
    readonly openapi: string
    readonly paths: Record<string, Record<string, unknown>>
  }

  it('describe every route', () => {
    expect(openApi.openapi).toBe('3.1.0')
    for (const { path, kind } of definition.routes) {
      if (kind !== 'console') expect(Object.keys(openApi.paths)).toContain(path)
    }
    expect(Object.keys(openApi.paths['/profile'] ?? {}).sort()).toEqual(['get', 'put'])
  })

  it('describe every topic, and what the gateway does with it', () => {
    const asyncApi = asyncApiOf(testGateway()) as Record<'channels' | 'operations', Record<string, unknown>>
    expect(Object.keys(asyncApi.channels)).toEqual(definition.topics.map(({ name }) => name))
    expect(Object.keys(asyncApi.operations)).toEqual(
      expect.arrayContaining(['write-commands', 'read-replies', 'write-profiles', 'read-profiles', 'read-news']),
    )
  })

  it('are plain JSON', () => {
    expect(JSON.parse(JSON.stringify(openApi))).toBeTypeOf('object')
  })
})
