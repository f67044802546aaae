/** A hash of the intent for which an idempotency key was used: equal for equal intents, in any notation of the body. */
import { createHash } from 'node:crypto'
import type { DomainModel } from '@streampay/domain'

export type Intent = {
  readonly model: DomainModel
  /** The `{id}` of the path, if the command has one. */
  readonly requestId: string | undefined
  /** The parsed body; it matched the model's schema, so it has no infinite numbers. */
  readonly body: unknown
}

/** 128 bits of SHA-256 over domain model, path id and the body in canonical form, in base64url (22 characters). */
export function fingerprintOf({ model, requestId, body }: Intent): string {
  return digestOf(canonicalJson([model, requestId ?? null, withoutDefaults(body)]))
}

/** Visibility "public" is left out, because bodies from before there was a choice had no such member. */
function withoutDefaults(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('visibility' in body)) return body
  const { visibility, ...others } = body
  return visibility === 'public' ? others : body
}

/** JSON with members sorted by name and without white space (RFC 8785 for the values of commands). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`
  }
  return JSON.stringify(value)
}

export const digestBytes = 16

/** The first 128 bits of SHA-256, in base64url: 22 characters. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, digestBytes).toString('base64url')
}
