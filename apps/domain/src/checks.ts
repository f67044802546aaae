/** Whether a value satisfies a schema. Schemas are compiled at their first use, so importing this costs nothing. */
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

export type { Static, TSchema }

const compiled = new WeakMap<TSchema, { Check(value: unknown): boolean }>()

export function matches<const S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  let check = compiled.get(schema)
  if (check === undefined) {
    check = Compile(schema)
    compiled.set(schema, check)
  }
  return check.Check(value)
}
