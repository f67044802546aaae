/**
 * `GET` of several views on one stream, so that a page needs one connection: `?view=/score&view=%2Fentries%3Flast%3D20`.
 * Each view has an index in the request, from 0, which is the prefix of the name and the id of each of its events.
 */
import { parse } from 'node:querystring'
import { Array as List, Object as Struct, String as Text, Union } from 'typebox'
import { Compile } from 'typebox/compile'
import { type LiveRoute, routerPath, type ViewRoute } from '../definition/definition.ts'
import { requireScope } from '../guard/guard.ts'
import { negotiate, vary } from '../http/accept.ts'
import { type App, identityOf, type Reply, type Request } from '../http/app.ts'
import { queryErrorsOf } from '../http/error-handler.ts'
import { describe } from '../http/json-body.ts'
import { ProblemError } from '../shared/problem.ts'
import { positionOf } from '../sse/start.ts'
import { type Asked, openStream } from '../sse/stream-route.ts'
import { offsetsOfCursor } from '../views/page.ts'
import type { View } from '../views/view.ts'
import type { Views } from '../views/views.ts'
import { accessFor, type GuardedContext, numberOf, representationsOf, viewQuery } from './view-route.ts'

/** The largest number of views on one stream. */
const mostViews = 16
/** The length of a view's path and query, before it is encoded into the request's own query. */
const longestView = 8192

const viewText = Text({ minLength: 1, maxLength: longestView, description: 'path and query of a view' })

export const liveQuery = Struct(
  { view: Union([viewText, List(viewText, { minItems: 1, maxItems: mostViews })]) },
  { additionalProperties: false },
)

type Found = {
  readonly view: View
  readonly id: string | undefined
  readonly query: Readonly<Record<string, string | string[] | undefined>>
}
type Find = (text: string) => Found | undefined

export function registerLive(app: App, route: LiveRoute, views: Views, context: GuardedContext): void {
  const find = finderOf(
    context.gateway.routes.filter((each) => each.kind === 'view'),
    views,
  )
  app.route({
    method: 'GET',
    url: routerPath(route.path),
    schema: { querystring: liveQuery },
    onRequest: [context.guard.identity, context.guard.readRate],
    handler: (request, reply) =>
      handle(request as unknown as Request, reply as unknown as Reply, { route, find, context }),
  })
}

type Handling = { readonly route: LiveRoute; readonly find: Find; readonly context: GuardedContext }

async function handle(request: Request, reply: Reply, { route, find, context }: Handling): Promise<Reply> {
  vary(reply, 'Accept, Authorization')
  if (negotiate(request.headers.accept, ['stream']) === undefined) {
    throw new ProblemError('not-acceptable', 'Several views at once are available as event stream only.')
  }
  if (request.headers['last-event-id'] !== undefined) {
    const detail = 'One id names the position of one view: give each view its own, as lastEventId in its query.'
    throw new ProblemError('invalid-position', detail)
  }
  const texts = [(request.query as { readonly view: string | readonly string[] }).view].flat()
  const asked = texts.map((text, index) => {
    try {
      return askedOf(request, { text, index, find, realm: context.gateway.name })
    } catch (error) {
      throw ofView(context.guard.refused(error, request), text)
    }
  })
  return openStream({
    request,
    reply,
    name: route.path.slice(1),
    asked,
    context,
    explain: (error, each) => ofView(error, texts[asked.indexOf(each)] ?? ''),
  })
}

type Asking = { readonly text: string; readonly index: number; readonly find: Find; readonly realm: string }

function askedOf(request: Request, { text, index, find, realm }: Asking): Asked {
  const found = find(text)
  if (found === undefined) throw new ProblemError('malformed-request', `"${text}" is not the path of a view.`)
  const { view, id, query } = found
  const identity = identityOf(request)
  requireScope(identity, view.route.scope, realm)
  if (!representationsOf(view.route, query).includes('stream')) {
    throw new ProblemError('not-acceptable', 'A directory is available as event stream only for ids.')
  }
  const { last, lastEventId, before } = query as Readonly<Record<string, string | undefined>>
  // A stream does not use it; an invalid one is refused nevertheless.
  offsetsOfCursor(before, view.feed.positions)
  const access = accessFor(view, { identity: identity.subject, id, query })
  return { view, access, label: `${index}:`, last: numberOf(last), after: positionOf(lastEventId, view.name) }
}

function finderOf(routes: readonly ViewRoute[], views: Views): Find {
  const known = routes.map((route) => ({
    view: views.at(route.path),
    pattern: new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '([^/?#]+)')}$`),
    query: Compile(viewQuery(route)),
  }))
  return (text) => {
    const [path = '', ...rest] = text.split('?')
    for (const { view, pattern, query } of known) {
      const match = pattern.exec(path)
      if (match === null) continue
      // The query as sent: a repeated parameter is a list, which the schema refuses as a text.
      const sent = { ...parse(rest.join('?')) }
      const errors = queryErrorsOf(query.Errors(sent))
      if (errors.length > 0) {
        throw new ProblemError('malformed-request', `The query of the view is not accepted: ${describe(errors)}`)
      }
      return { view, id: decoded(match[1]), query: sent }
    }
    return undefined
  }
}

/** @throws ProblemError 400 for an invalid percent-encoding */
function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch (cause) {
    throw new ProblemError('malformed-request', 'The path of the view cannot be decoded.', { cause })
  }
}

/** The same problem, with the view that it belongs to. */
function ofView(error: unknown, view: string): unknown {
  if (!(error instanceof ProblemError)) return error
  const { slug, message, headers, members, cause } = error
  return new ProblemError(slug, message, { headers, members: { ...members, view }, cause })
}
