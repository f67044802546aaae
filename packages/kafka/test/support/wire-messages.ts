import fc from 'fast-check'
import { type Field, INT64_MAX, type Layout } from '../../src/wire/index.ts'

/** A value for one field by its name, or undefined to let its type decide. */
export type Override = (name: string) => fc.Arbitrary<unknown> | undefined

type Version = { readonly version: number; readonly flexible: boolean; readonly override?: Override }

/** Messages of one version: fields that the version lacks have their default, as decoding gives them. */
export function messagesOf(layout: Layout, at: Version): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(
      Object.entries(layout).map(([name, field]) => [
        name,
        present(field, at) ? valuesOf(name, field, at) : absent(field),
      ]),
    ),
  )
}

function present(field: Field, { version, flexible }: Version): boolean {
  return version >= field.since && version <= field.until && (field.tag === null || flexible)
}

function absent(field: Field): fc.Arbitrary<unknown> {
  return fc.constant(Buffer.isBuffer(field.default) ? Buffer.alloc(0) : structuredClone(field.default))
}

function valuesOf(name: string, field: Field, at: Version): fc.Arbitrary<unknown> {
  const overridden = at.override?.(name)
  if (overridden) return overridden
  const values = plainValues(name, field, at)
  return field.nullable ? fc.option(values, { nil: null, freq: 4 }) : values
}

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
const text = fc.string({ maxLength: 12, unit: 'grapheme' })

function plainValues(name: string, field: Field, at: Version): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'int8':
      return int(8)
    case 'int16':
      return int(16)
    case 'int32':
      return int(32)
    case 'int64':
      return fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 0, INT64_MAX))
    case 'float64':
      return fc.double({ noNaN: true })
    case 'bool':
      return fc.boolean()
    case 'uuid':
      return fc.uuid()
    case 'string':
      return text
    case 'bytes':
      return fc.uint8Array({ maxLength: 16 }).map((bytes) => Buffer.from(bytes))
    case 'struct':
      return messagesOf(field.layout ?? {}, at)
    case 'array':
      return fc.array(messagesOf(field.layout ?? {}, at), { maxLength: 3 })
    case 'list':
      return fc.array(field.item ? valuesOf(name, field.item, at) : fc.nat(), { maxLength: 3 })
  }
}
