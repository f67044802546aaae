/**
 * What the two generators of source share: straight-line code over a reader or a writer, made once for a layout and a version. It does
 * not use the layout while it encodes or decodes (3 to 7 times as fast as walking over it). Only layouts of this package reach the
 * generated source.
 */
import type { Field } from './layout.ts'
import { MalformedError } from './malformed.ts'

/** The state of the generator: its inputs, and what it collects. */
export type Scope = { readonly version: number; readonly flexible: boolean; readonly lines: string[]; names: number }

export function refuse(what: string): never {
  throw new MalformedError(what)
}

export function fresh(scope: Scope, prefix: string): string {
  scope.names++
  return `${prefix}${scope.names}`
}

function inVersion(field: Field, version: number): boolean {
  return version >= field.since && version <= field.until
}

export function isTagged(scope: Scope, field: Field): boolean {
  return field.tag !== null && inVersion(field, scope.version) && scope.flexible
}

export function isPlain(scope: Scope, field: Field): boolean {
  return field.tag === null && inVersion(field, scope.version)
}

/** The source of a field's default. Arrays and buffers are created for each message, so that no message shares them. */
export function defaultOf(field: Field): string {
  if (Buffer.isBuffer(field.default)) return 'Buffer.alloc(0)'
  return JSON.stringify(field.default)
}

export function methodOf(scope: Scope, field: Field): string {
  if (field.type !== 'string' && field.type !== 'bytes') return field.type
  const name = field.type === 'string' ? 'String' : 'Bytes'
  const method = `${scope.flexible ? 'compact' : ''}${field.nullable ? 'Nullable' : ''}${name}`
  return method.charAt(0).toLowerCase() + method.slice(1)
}

export function arrayMethod(scope: Scope): string {
  return scope.flexible ? 'compactArrayLength' : 'arrayLength'
}
