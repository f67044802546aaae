/** What is wrong with a body, field by field, in words that are made of its schema. */
import { IsEnum, IsInteger, IsOptional, IsString, type TObject, type TSchema, type TStringOptions } from 'typebox'
import { maxFieldErrors, maxIdLength } from './limits.ts'
import { amountRefusals, refusalOfAmount } from './money.ts'
import type { FieldError } from './problems.ts'
import { ruleOfPattern } from './texts.ts'

/** What a member must be, if it is not that; undefined for a good value, and for an absent one that may be absent. */
type Rule = (value: unknown) => string | undefined

const rules = new WeakMap<TObject, ReadonlyMap<string, Rule>>()

export type BodyKind = {
  /** What the body is, to call a member unknown. */
  readonly of: string
  /** What no schema can say, of a member that satisfies its own. */
  readonly alsoWrong?: Rule
}

/**
 * Every field that is wrong, each once, those of the schema first and in its order; empty for a good body. `field` is empty when the
 * body is not an object at all.
 */
export function bodyErrors(
  schema: TObject,
  body: unknown,
  { of, alsoWrong = () => undefined }: BodyKind,
): FieldError[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return [{ field: '', message: 'must be a JSON object' }]
  }
  const members = rulesOf(schema)
  const errors: FieldError[] = []
  for (const [field, rule] of members) {
    const value: unknown = Object.hasOwn(body, field) ? Reflect.get(body, field) : undefined
    const message = rule(value) ?? alsoWrong(value)
    if (message !== undefined) errors.push({ field, message })
  }
  for (const field of Object.keys(body)) {
    if (errors.length >= maxFieldErrors) break
    // The name comes from outside: a reply must not grow with it.
    if (!members.has(field)) {
      errors.push({ field: field.slice(0, maxIdLength), message: `is not a member of this ${of}` })
    }
  }
  return errors
}

/** Made at the first use, as the compiled schemas are. */
function rulesOf(schema: TObject): ReadonlyMap<string, Rule> {
  const known = rules.get(schema)
  if (known !== undefined) return known
  const made = new Map(Object.entries(schema.properties).map(([name, member]) => [name, ruleOf(name, member)]))
  rules.set(schema, made)
  return made
}

function ruleOf(name: string, member: TSchema): Rule {
  const check = checkOf(name, member)
  const absent = IsOptional(member) ? undefined : 'is required'
  return (value) => (value === undefined ? absent : check(value))
}

/** @throws Error for a kind of member that no body has had so far: there are no words for it. */
function checkOf(name: string, member: TSchema): Rule {
  if (IsString(member)) return textCheck(name, { ...member })
  if (IsInteger(member)) return wholeCents
  if (IsEnum(member)) return oneOf(member.enum)
  throw new Error(`there are no words for what is wrong with a member such as "${name}"`)
}

/** The integers of bodies are amounts. One schema says no more of them than a range; these words tell zero from too much. */
function wholeCents(value: unknown): string | undefined {
  const refusal = refusalOfAmount(value)
  return refusal === undefined ? undefined : amountRefusals[refusal]
}

function textCheck(
  name: string,
  { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern }: TStringOptions,
): Rule {
  const source = pattern instanceof RegExp ? pattern.source : pattern
  const rule = source === undefined ? undefined : ruleOfPattern.get(source)
  if (source !== undefined && rule === undefined) throw new Error(`there are no words for the pattern of "${name}"`)
  const regExp = source === undefined ? undefined : new RegExp(source, 'u')
  return (value) => {
    if (value === '' && minLength > 0) return 'must not be empty'
    if (typeof value !== 'string') return 'must be a string'
    if (lengthOf(value, maxLength) > maxLength) return `must be at most ${maxLength} characters`
    return regExp === undefined || regExp.test(value) ? undefined : rule
  }
}

function oneOf(values: readonly unknown[]): Rule {
  const rule = `must be ${values.map((value) => JSON.stringify(value)).join(' or ')}`
  return (value) => (values.includes(value) ? undefined : rule)
}

/** In Unicode characters, as JSON Schema counts; exact where it matters. */
function lengthOf(text: string, maxLength: number): number {
  return text.length <= maxLength ? text.length : [...text].length
}
