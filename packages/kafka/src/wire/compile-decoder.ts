/**
 * Compiles a layout and a version into the function that decodes it. All versions of a message decode into one shape with its keys in
 * one order, so that code which handles them stays monomorphic.
 */
import type { ByteReader } from './byte-reader.ts'
import { arrayMethod, defaultOf, fresh, isPlain, isTagged, methodOf, refuse, type Scope } from './compile-scope.ts'
import type { Field, Layout } from './layout.ts'

export type DecodeBody = (reader: ByteReader) => unknown

export function compileDecoder(layout: Layout, version: number, flexible: boolean): DecodeBody {
  const scope: Scope = { version, flexible, lines: [], names: 0 }
  const result = decodeStruct(scope, layout)
  const source = `return function decode(r) {\n${scope.lines.join('\n')}\nreturn ${result}\n}`
  return new Function('refuse', source)(refuse) as DecodeBody
}

function decodeStruct(scope: Scope, layout: Layout): string {
  const members: string[] = []
  const tagged: Array<readonly [string, Field]> = []
  for (const [name, field] of Object.entries(layout)) {
    const variable = fresh(scope, 'v')
    members.push(`${name}: ${variable}`)
    if (isPlain(scope, field)) {
      scope.lines.push(`const ${variable} = ${decodeValue(scope, name, field)}`)
    } else {
      scope.lines.push(`let ${variable} = ${defaultOf(field)}`)
      if (isTagged(scope, field)) tagged.push([variable, field])
    }
  }
  if (scope.flexible) decodeTags(scope, tagged)
  return `{ ${members.join(', ')} }`
}

function decodeTags(scope: Scope, tagged: ReadonlyArray<readonly [string, Field]>): void {
  if (tagged.length === 0) {
    scope.lines.push('r.skipTags()')
    return
  }
  const count = fresh(scope, 'n')
  scope.lines.push(
    `for (let ${count} = r.uvarint(); ${count} > 0; ${count}--) {`,
    'const tag = r.uvarint(), size = r.uvarint(), start = r.take(size)',
  )
  for (const [variable, field] of tagged) {
    scope.lines.push(`if (tag === ${field.tag}) {`, 'r.position = start')
    scope.lines.push(`${variable} = ${decodeValue(scope, `tag ${field.tag}`, field)}`)
    scope.lines.push(`if (r.position !== start + size) refuse('tag ${field.tag} differs from its size')`, '}')
  }
  scope.lines.push('}')
}

/** Adds the statements that are needed before the value to the scope, and returns the value's expression. */
function decodeValue(scope: Scope, name: string, field: Field): string {
  if (field.type === 'struct') return decodeNullableStruct(scope, field)
  if (field.type === 'array' || field.type === 'list') return decodeArray(scope, name, field)
  return `r.${methodOf(scope, field)}()`
}

function decodeNullableStruct(scope: Scope, field: Field): string {
  const result = fresh(scope, 's')
  scope.lines.push(`let ${result} = null`)
  scope.lines.push(field.tag === null ? 'if (r.int8() >= 0) {' : '{')
  scope.lines.push(`${result} = ${decodeStruct(scope, field.layout ?? {})}`, '}')
  return result
}

function decodeArray(scope: Scope, name: string, field: Field): string {
  const count = fresh(scope, 'n')
  const result = fresh(scope, 'a')
  const index = fresh(scope, 'i')
  scope.lines.push(`const ${count} = r.${arrayMethod(scope)}()`)
  if (!field.nullable) scope.lines.push(`if (${count} < 0) refuse('${name} must not be null')`)
  scope.lines.push(`const ${result} = ${count} < 0 ? null : []`)
  scope.lines.push(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`)
  const item = field.item ? `r.${methodOf(scope, field.item)}()` : decodeStruct(scope, field.layout ?? {})
  scope.lines.push(`${result}.push(${item})`, '}')
  return result
}
