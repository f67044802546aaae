/** Bodies of commands: JSON in UTF-8, accepted unchanged or refused. */
import { parseStrictJson } from '@streampay/json'
import { type FieldError, ProblemError } from '../shared/problem.ts'
import type { App } from './app.ts'

/** The longest text of a request that a response quotes. */
const longestQuote = 100

export function acceptJsonBodies(app: App): void {
  // Without the other parsers, every other type gets 415.
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: HeadersOf, body: Buffer) => {
    requireUtf8(request.headers['content-type'])
    // A missing body counts as an empty one: the schema then names every missing field.
    if (body.length === 0) return {}
    const read = parseStrictJson(body)
    if ('value' in read) return read.value
    throw malformedBody([read.fault])
  })
  app.addHook('preValidation', async (request) => {
    // Only routes that check a body. The issuer's proxy passes bodies on unchanged, also a missing one.
    const takesBody = request.routeOptions.schema?.body !== undefined
    if (takesBody && request.body === undefined) request.body = {}
  })
}

type HeadersOf = { readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> }
type Header = HeadersOf['headers'][string]

/** Parameters of a media type (RFC 9110, section 8.3.1): the value is a token or a quoted text. */
function requireUtf8(contentType: Header): void {
  const text = String(contentType ?? '')
  for (const [, token, quoted] of text.matchAll(/;\s*charset\s*=\s*(?:"([^"]*)"|([^;\s]*))/gi)) {
    const charset = token ?? quoted ?? ''
    if (!/^utf-?8$/i.test(charset)) {
      const detail = `The body must be in UTF-8; its charset is said to be "${charset.slice(0, longestQuote)}".`
      throw new ProblemError('unsupported-media-type', detail)
    }
  }
}

/** Every wrong field, in one sentence and as a list. */
export function malformedBody(errors: readonly FieldError[]): ProblemError {
  return new ProblemError('malformed-body', describe(errors), { members: { errors } })
}

export function describe(errors: readonly FieldError[]): string {
  return `${errors.map(({ field, message }) => (field === '' ? `The body ${message}` : `${field} ${message}`)).join('; ')}.`
}
