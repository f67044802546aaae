/** What is wrong with a body, field by field, in words. */
import { maxFieldErrors, maxIdLength } from './limits.ts'
import type { FieldError } from './problems.ts'

/**
 * What a member must be, if it is not that; undefined for a correct value, and for an absent one that may be absent.
 */
export type MemberRule = (value: unknown) => string | undefined

/** In the order in which errors are listed. */
export type MemberRules = Readonly<Record<string, MemberRule>>

/**
 * Every field that is wrong, each once; empty for a good body. `field` is empty when the body is not an object at all.
 * @param of the kind of body, for the message about an unknown member
 */
export function bodyErrors(rules: MemberRules, body: unknown, of: string): FieldError[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return [{ field: '', message: 'must be a JSON object' }]
  }
  const errors: FieldError[] = []
  for (const [field, rule] of Object.entries(rules)) {
    const message = rule(Object.hasOwn(body, field) ? Reflect.get(body, field) : undefined)
    if (message !== undefined) errors.push({ field, message })
  }
  for (const field of Object.keys(body)) {
    if (errors.length >= maxFieldErrors) break
    // The name comes from outside: the length of a reply must not depend on it.
    if (!Object.hasOwn(rules, field)) {
      errors.push({ field: field.slice(0, maxIdLength), message: `is not a member of this ${of}` })
    }
  }
  return errors
}

export type TextRule = { readonly maxLength: number; readonly pattern?: string; readonly rule?: string }

/** Text of at least one character. */
export function requiredText(rule: TextRule): MemberRule {
  const check = filledText(rule)
  return (value) => (value === undefined ? 'is required' : check(value))
}

/** If it is there, it has at least one character. */
export function filledText(rule: TextRule): MemberRule {
  const check = anyText(rule)
  return (value) => (value === '' ? 'must not be empty' : check(value))
}

export function anyText({ maxLength, pattern, rule }: TextRule): MemberRule {
  const regExp = pattern === undefined ? undefined : new RegExp(pattern, 'u')
  return (value) => {
    if (value === undefined) return undefined
    if (typeof value !== 'string') return 'must be a string'
    if (lengthOf(value, maxLength) > maxLength) return `must be at most ${maxLength} characters`
    return regExp === undefined || regExp.test(value) ? undefined : rule
  }
}

/** If it is there, it is one of these. */
export function oneOf(values: readonly string[]): MemberRule {
  const rule = `must be ${values.map((value) => `"${value}"`).join(' or ')}`
  return (value) => (value === undefined || values.some((one) => one === value) ? undefined : rule)
}

/** In Unicode characters, as JSON Schema counts; exact where it matters. */
function lengthOf(text: string, maxLength: number): number {
  return text.length <= maxLength ? text.length : [...text].length
}
