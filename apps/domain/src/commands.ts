/** The commands of the payments service. Their names are the values of `zilla:domain-model`. */
import type { TSchema } from 'typebox'
import { anyText, bodyErrors, filledText, type MemberRules, oneOf, requiredText } from './body-errors.ts'
import { maxIdLength, maxNotesLength } from './limits.ts'
import { amountRefusals, refusalOfAmount } from './money.ts'
import type { FieldError } from './problems.ts'
import { blockBody, emptyBody, favouriteBody, payBody, requestBody, visibilities } from './schemas.ts'
import { idPattern, idRule, notesPattern, notesRule } from './texts.ts'

export const domainModels = {
  PayCommand: payBody,
  RequestCommand: requestBody,
  DeclineCommand: emptyBody,
  CancelCommand: emptyBody,
  RemindCommand: emptyBody,
  BlockCommand: blockBody,
  UnblockCommand: emptyBody,
  FavouriteCommand: favouriteBody,
  UnfavouriteCommand: emptyBody,
} as const satisfies Record<string, TSchema>

export type DomainModel = keyof typeof domainModels

export function isDomainModel(name: string): name is DomainModel {
  return Object.hasOwn(domainModels, name)
}

const id = { maxLength: maxIdLength, pattern: idPattern, rule: idRule }
const notes = anyText({ maxLength: maxNotesLength, pattern: notesPattern, rule: notesRule })
const visibility = oneOf(visibilities)

const members: Readonly<Record<DomainModel, MemberRules>> = {
  PayCommand: { userId: requiredText(id), amount: wholeCents, notes, requestId: filledText(id), visibility },
  RequestCommand: { userId: requiredText(id), amount: wholeCents, notes, visibility },
  DeclineCommand: {},
  CancelCommand: {},
  RemindCommand: {},
  BlockCommand: { userId: requiredText(id) },
  UnblockCommand: {},
  FavouriteCommand: { userId: requiredText(id) },
  UnfavouriteCommand: {},
}

/**
 * Every wrong field of a command's body, each once, in words; empty if the body satisfies the model's schema. It accepts exactly what the
 * schema accepts (a test compares them), but distinguishes zero, negative, fractional, huge and infinite amounts. `field` is empty when the
 * body is not an object at all.
 */
export function commandBodyErrors(model: DomainModel, body: unknown): FieldError[] {
  return bodyErrors(members[model], body, 'command')
}

function wholeCents(value: unknown): string | undefined {
  const refusal = refusalOfAmount(value)
  return refusal === undefined ? undefined : amountRefusals[refusal]
}
