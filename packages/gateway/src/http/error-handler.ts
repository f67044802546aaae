/** Turns every error into problem details. No other file does that. */
import { KafkaError } from '@streampay/kafka'
import type { FastifyError } from 'fastify'
import type { FieldError, ProblemBody } from '../shared/problem.ts'
import { ProblemError, problemContentType } from '../shared/problem.ts'
import { wordsOfPattern } from '../shared/query-texts.ts'
import type { App, Reply, Request } from './app.ts'
import { describe, malformedBody } from './json-body.ts'
import type { RefusalDelay } from './refusal-delay.ts'

type Validation = NonNullable<FastifyError['validation']>

type IncomingBody = { readonly complete: boolean; readonly headers: { readonly 'content-length'?: string | undefined } }

const mostDroppedBytes = 1024 * 1024

export type ErrorHandling = {
  /** Namespace of the problem types. */
  readonly namespace: string
  readonly bodyBytes: number
  /** The methods of a path, for 405; empty if the path is unknown. */
  readonly methodsOf: (path: string) => readonly string[]
  /** Waits before a response with Retry-After. */
  readonly refusalDelay: Pick<RefusalDelay, 'hold'>
  /** A better text for a body that a route's schema refused. */
  readonly explain: (request: Request) => readonly FieldError[] | undefined
}

export function handleErrors(app: App, handling: ErrorHandling): void {
  app.setErrorHandler(async (error: FastifyError | ProblemError, request, reply) => {
    const problem = problemOf(error, request as Request, handling)
    if (problem.status >= 500 && problem.slug === 'internal-error') request.log.error({ err: error }, 'request failed')
    if (problem.headers['retry-after'] !== undefined) await handling.refusalDelay.hold()
    if (!hasMuchLeft(request.raw)) reply.removeHeader('connection')
    return sendProblem(reply as unknown as Reply, problem, handling.namespace)
  })
}

/**
 * Fastify closes the connection of a body that it refuses. A client that still sends then loses the response (RFC 9112, section
 * 9.6): instead, the rest of the body is read and dropped, unless it is large or its length is not known.
 */
function hasMuchLeft({ complete, headers }: IncomingBody): boolean {
  if (complete) return false
  const length = Number(headers['content-length'])
  return !(length <= mostDroppedBytes)
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
  return new ProblemError('method-not-allowed', `${path} supports ${methods.join(', ')}, not ${request.method}.`, {
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
      return new ProblemError('unsupported-media-type', wordsOf(error.code))
    case 403:
    case 404:
      // An error of a file: one that is outside of the folder counts as missing.
      return new ProblemError('not-found', 'There is no such file.')
    case 400:
      return new ProblemError('malformed-request', wordsOf(error.code))
    case 414:
      return new ProblemError('malformed-request', 'A part of the address is too long.')
    default:
      // An error of a request to the log that has no text for clients.
      if (error instanceof KafkaError && error.retriable) return logUnavailable(error)
      return new ProblemError('internal-error', 'The gateway failed to answer; the fault is in its log.', {
        cause: error,
      })
  }
}

function logUnavailable(cause: unknown): ProblemError {
  const detail = 'The log does not answer this now.'
  return new ProblemError('log-unavailable', detail, { headers: { 'retry-after': '2' }, cause })
}

function ofValidation(
  error: FastifyError,
  validation: Validation,
  request: Request,
  handling: ErrorHandling,
): ProblemError {
  const isQuery = error.validationContext === 'querystring'
  const errors = isQuery ? queryErrorsOf(validation) : fieldErrorsOf(validation)
  if (error.validationContext === 'body') return malformedBody(handling.explain(request) ?? errors)
  return new ProblemError('malformed-request', describe(errors), { members: { errors } })
}

function wordsOf(code: string): string {
  switch (code) {
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return 'The body is not as long as Content-Length says.'
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return 'The body must be application/json.'
    case 'FST_CP_ERR_INVALID_CONTENT_ENCODING':
      return 'The Content-Encoding of the body is not accepted: it must be gzip, deflate or br alone, or none.'
    case 'FST_CP_ERR_INVALID_CONTENT':
      return 'The body is not what its Content-Encoding says.'
    default:
      return 'The request cannot be read.'
  }
}

/** Every field once, by its path with dots, in the order of the schema. */
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

type QueryFault = Pick<Validation[number], 'instancePath' | 'keyword' | 'params'> & { readonly message?: string }

/**
 * The same for a query, checked by Ajv or by typebox. Its values are texts, or lists of those that occur several times, so
 * "must be string" would not explain the error.
 */
export function queryErrorsOf(faults: readonly QueryFault[]): FieldError[] {
  // For a text or a list of texts: the failed alternative is no error of its own.
  const eithers = new Set(faults.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath))
  const told = faults.flatMap((fault) => {
    const { instancePath, keyword, params } = fault
    switch (keyword) {
      case 'anyOf':
        return []
      case 'type':
        return eithers.has(instancePath) ? [] : [{ ...fault, message: 'may appear only once' }]
      case 'maxItems':
        return [{ ...fault, message: `may appear at most ${params.limit} times` }]
      case 'boolean':
        // An unknown member, as typebox names each; its message about all of them follows.
        return [{ ...fault, message: 'is not known here' }]
      case 'pattern':
        return [{ ...fault, message: `must be ${wordsOfPattern(params.pattern) ?? 'a text of another form'}` }]
      case 'enum':
        return [{ ...fault, message: `must be ${listed(params.allowedValues)}` }]
      case 'maxLength':
        return [{ ...fault, message: `may have at most ${params.limit} characters` }]
      case 'minLength':
        return [{ ...fault, message: `must have at least ${params.limit} character${params.limit === 1 ? '' : 's'}` }]
      case 'additionalProperties':
        return params.additionalProperty === undefined ? [] : [fault]
      default:
        return [fault]
    }
  })
  return fieldErrorsOf(told as Validation)
}

function listed(values: unknown): string {
  return Array.isArray(values) ? values.join(' or ') : 'another value'
}

/** RFC 6901, section 4. */
function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}
