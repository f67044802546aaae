/** Turns whatever went wrong into problem details: the only place that does. */
import type { FastifyError } from 'fastify'
import type { App, Reply, Request } from './app.ts'
import type { Pace } from './pace.ts'
import type { FieldError, ProblemBody } from './problem.ts'
import { ProblemError, problemContentType } from './problem.ts'

type Validation = NonNullable<FastifyError['validation']>

export type ErrorHandling = {
  /** Namespace of the problem types. */
  readonly namespace: string
  readonly bodyBytes: number
  /** Methods that a path has, for 405; empty if the path is unknown. */
  readonly methodsOf: (path: string) => readonly string[]
  /** Before an answer that tells to come again. */
  readonly pace: Pick<Pace, 'hold'>
  /** Better words for a body that a route's schema refused. */
  readonly explain: (request: Request) => readonly FieldError[] | undefined
}

export function handleErrors(app: App, handling: ErrorHandling): void {
  app.setErrorHandler(async (error: FastifyError | ProblemError, request, reply) => {
    const problem = problemOf(error, request as Request, handling)
    if (problem.status >= 500 && problem.slug === 'internal-error') request.log.error({ err: error }, 'request failed')
    if (problem.headers['retry-after'] !== undefined) await handling.pace.hold()
    return sendProblem(reply as unknown as Reply, problem, handling.namespace)
  })
}

export function sendProblem(reply: Reply, problem: ProblemError, namespace: string): Reply {
  return sendProblemBody(reply.headers({ ...problem.headers }), problem.body(namespace))
}

export function sendProblemBody(reply: Reply, body: ProblemBody): Reply {
  return reply.code(body.status).header('cache-control', 'no-store').type(problemContentType).send(JSON.stringify(body))
}

export function notFound(
  request: { readonly method: string; readonly url: string },
  handling: ErrorHandling,
): ProblemError {
  const [path = ''] = request.url.split('?')
  const methods = handling.methodsOf(path)
  if (methods.length === 0) return new ProblemError('not-found', `There is nothing at ${path}.`)
  return new ProblemError('method-not-allowed', `${path} knows ${methods.join(', ')}, not ${request.method}.`, {
    headers: { allow: methods.join(', ') },
  })
}

function problemOf(error: FastifyError | ProblemError, request: Request, handling: ErrorHandling): ProblemError {
  if (error instanceof ProblemError) return error
  if (error.validation !== undefined) return ofValidation(error, error.validation, request, handling)
  switch (error.statusCode) {
    case 413:
      return new ProblemError('payload-too-large', `The body may have at most ${handling.bodyBytes} bytes.`)
    case 415:
      return new ProblemError('unsupported-media-type', 'The body must be application/json.')
    case 403:
    case 404:
      // Of a file: one that is outside of the folder does not exist either.
      return new ProblemError('not-found', 'There is no such file.')
    case 400:
      return malformedBody([{ field: '', message: 'is not valid JSON' }])
    default:
      return new ProblemError('internal-error', 'The gateway failed to answer; the fault is in its log.', {
        cause: error,
      })
  }
}

function ofValidation(
  error: FastifyError,
  validation: Validation,
  request: Request,
  handling: ErrorHandling,
): ProblemError {
  const errors = fieldErrorsOf(validation)
  if (error.validationContext === 'body') return malformedBody(handling.explain(request) ?? errors)
  return new ProblemError('malformed-request', describe(errors), { members: { errors } })
}

function malformedBody(errors: readonly FieldError[]): ProblemError {
  return new ProblemError('malformed-body', describe(errors), { members: { errors } })
}

function describe(errors: readonly FieldError[]): string {
  return `${errors.map(({ field, message }) => (field === '' ? `The body ${message}` : `${field} ${message}`)).join('; ')}.`
}

/** Every field once, by its path with dots, in the order in which the schema names them. */
export function fieldErrorsOf(validation: Validation): FieldError[] {
  const errors = new Map<string, string>()
  for (const { instancePath, keyword, params, message } of validation) {
    const path = instancePath.split('/').slice(1).map(unescapePointer)
    const missing = keyword === 'required' ? params.missingProperty : undefined
    const unknown = keyword === 'additionalProperties' ? params.additionalProperty : undefined
    const member = missing ?? unknown
    const field = [...path, ...(typeof member === 'string' ? [member] : [])].join('.')
    const words = missing !== undefined ? 'is required' : unknown !== undefined ? 'is not known here' : message
    if (!errors.has(field)) errors.set(field, words ?? 'is not accepted')
  }
  return [...errors].map(([field, message]) => ({ field, message }))
}

/** RFC 6901, section 4. */
function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}
