/** Compiles a layout and a version into the function that encodes it. */
import { ByteWriter } from './byte-writer.ts'
import { arrayMethod, defaultOf, fresh, isPlain, isTagged, methodOf, refuse, type Scope } from './compile-scope.ts'
import type { Field, Layout } from './layout.ts'

export type EncodeBody = (writer: ByteWriter, body: unknown) => void

export function compileEncoder(layout: Layout, version: number, flexible: boolean): EncodeBody {
  const scope: Scope = { version, flexible, lines: [], names: 0 }
  encodeStruct(scope, layout, 'body', 'w')
  const source = `return function encode(w, body) {\n${scope.lines.join('\n')}\n}`
  return new Function('refuse', 'ByteWriter', source)(refuse, ByteWriter) as EncodeBody
}

function encodeStruct(scope: Scope, layout: Layout, body: string, writer: string): void {
  const tagged: Array<readonly [string, Field]> = []
  for (const [name, field] of Object.entries(layout)) {
    if (isPlain(scope, field)) {
      const value = fresh(scope, 'v')
      scope.lines.push(`const ${value} = ${body}.${name} === undefined ? ${defaultOf(field)} : ${body}.${name}`)
      encodeValue(scope, field, { name, value, writer })
    } else if (isTagged(scope, field)) tagged.push([name, field])
  }
  if (scope.flexible) encodeTags(scope, tagged, { body, writer })
}

function encodeTags(
  scope: Scope,
  tagged: ReadonlyArray<readonly [string, Field]>,
  at: { readonly body: string; readonly writer: string },
): void {
  if (tagged.length === 0) {
    scope.lines.push(`${at.writer}.uvarint(0)`)
    return
  }
  const parts = fresh(scope, 'p')
  scope.lines.push(`const ${parts} = []`)
  for (const [name, field] of tagged.toSorted((a, b) => (a[1].tag ?? 0) - (b[1].tag ?? 0))) {
    const value = fresh(scope, 'v')
    scope.lines.push(`const ${value} = ${at.body}.${name}`, `if (${differsFromDefault(field, value)}) {`)
    const part = fresh(scope, 'w')
    scope.lines.push(`const ${part} = new ByteWriter(64)`)
    encodeValue(scope, field, { name, value, writer: part })
    scope.lines.push(`${parts}.push([${field.tag}, ${part}.finish()])`, '}')
  }
  scope.lines.push(
    `${at.writer}.uvarint(${parts}.length)`,
    `for (const [tag, bytes] of ${parts}) {`,
    `${at.writer}.uvarint(tag); ${at.writer}.uvarint(bytes.length); ${at.writer}.raw(bytes)`,
    '}',
  )
}

function differsFromDefault(field: Field, value: string): string {
  const given = `${value} !== undefined`
  if ((field.type === 'array' || field.type === 'list') && !field.nullable) return `${given} && ${value}.length > 0`
  return `${given} && ${value} !== ${defaultOf(field)}`
}

type Target = { readonly name: string; readonly value: string; readonly writer: string }

function encodeValue(scope: Scope, field: Field, target: Target): void {
  const { name, value, writer } = target
  if (field.type === 'struct') {
    if (field.tag === null) {
      scope.lines.push(`${writer}.int8(${value} === null ? -1 : 1)`, `if (${value} !== null) {`)
    } else scope.lines.push('{')
    encodeStruct(scope, field.layout ?? {}, value, writer)
    scope.lines.push('}')
  } else if (field.type === 'array' || field.type === 'list') {
    encodeArray(scope, field, target)
  } else {
    if (!field.nullable) scope.lines.push(`if (${value} === null) refuse('${name} must not be null')`)
    scope.lines.push(`${writer}.${methodOf(scope, field)}(${value})`)
  }
}

function encodeArray(scope: Scope, field: Field, { name, value, writer }: Target): void {
  if (!field.nullable) scope.lines.push(`if (${value} === null) refuse('${name} must not be null')`)
  scope.lines.push(`${writer}.${arrayMethod(scope)}(${value} === null ? -1 : ${value}.length)`)
  const item = fresh(scope, 'e')
  scope.lines.push(`if (${value} !== null) for (const ${item} of ${value}) {`)
  if (field.item) scope.lines.push(`${writer}.${methodOf(scope, field.item)}(${item})`)
  else encodeStruct(scope, field.layout ?? {}, item, writer)
  scope.lines.push('}')
}
