/** What can be asked of the payments service. The names are the values of `zilla:domain-model`. */
import type { TSchema } from 'typebox'
import { maxIdLength } from './identities.ts'
import { amountRefusals, refusalOfAmount } from './money.ts'
import type { FieldError } from './problems.ts'
import { emptyBody, maxNotesLength, payBody, requestBody } from './schemas.ts'

export const domainModels = {
  PayCommand: payBody,
  RequestCommand: requestBody,
  DeclineCommand: emptyBody,
  CancelCommand: emptyBody,
} as const satisfies Record<string, TSchema>

export type DomainModel = keyof typeof domainModels

export function isDomainModel(name: string): name is DomainModel {
  return Object.hasOwn(domainModels, name)
}

/** Enough to name every member of a command, and a bound for bodies that are all unknown members. */
const maxErrors = 20

/** What each member must be; undefined means that it may be absent. In the order in which errors are told. */
type MemberRule = (value: unknown) => string | undefined

const members: Readonly<Record<DomainModel, Readonly<Record<string, MemberRule>>>> = {
  PayCommand: { userId: requiredId, amount: wholeCents, notes: optionalNotes, requestId: optionalId },
  RequestCommand: { userId: requiredId, amount: wholeCents, notes: optionalNotes },
  DeclineCommand: {},
  CancelCommand: {},
}

/**
 * Every field of a command's body that is wrong, each once, in words; empty if the body satisfies the model's schema. It
 * accepts exactly what the schema accepts (a test holds them equal), but tells apart zero, negative, fractional, huge and
 * infinite amounts. `field` is empty when the body is not an object at all.
 */
export function commandBodyErrors(model: DomainModel, body: unknown): FieldError[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return [{ field: '', message: 'must be a JSON object' }]
  }
  const rules = members[model]
  const errors: FieldError[] = []
  for (const [field, rule] of Object.entries(rules)) {
    const message = rule(Object.hasOwn(body, field) ? Reflect.get(body, field) : undefined)
    if (message !== undefined) errors.push({ field, message })
  }
  for (const field of Object.keys(body)) {
    if (errors.length >= maxErrors) break
    // The name comes from outside: a reply must not grow with it.
    if (!Object.hasOwn(rules, field)) {
      errors.push({ field: field.slice(0, maxIdLength), message: 'is not a member of this command' })
    }
  }
  return errors
}

function requiredId(value: unknown): string | undefined {
  return value === undefined ? 'is required' : optionalId(value)
}

function optionalId(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') return 'must be a string'
  if (value.length === 0) return 'must not be empty'
  return lengthOf(value) > maxIdLength ? `must be at most ${maxIdLength} characters` : undefined
}

function optionalNotes(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') return 'must be a string'
  return lengthOf(value) > maxNotesLength ? `must be at most ${maxNotesLength} characters` : undefined
}

/** In Unicode characters, as JSON Schema counts. */
function lengthOf(text: string): number {
  return text.length <= maxIdLength ? text.length : [...text].length
}

function wholeCents(value: unknown): string | undefined {
  const refusal = refusalOfAmount(value)
  return refusal === undefined ? undefined : amountRefusals[refusal]
}
