/** The commands of the payments service. Their names are the values of `zilla:domain-model`. */
import type { TObject } from 'typebox'
import type { FieldError } from './problems.ts'
import { bodyErrors } from './schema-words.ts'
import { blockBody, emptyBody, favouriteBody, payBody, requestBody } from './schemas.ts'

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
} as const satisfies Record<string, TObject>

export type DomainModel = keyof typeof domainModels

export function isDomainModel(name: string): name is DomainModel {
  return Object.hasOwn(domainModels, name)
}

/**
 * Every field of a command's body that is wrong, each once, in words; empty if the body satisfies the model's schema. `field` is empty
 * when the body is not an object at all.
 */
export function commandBodyErrors(model: DomainModel, body: unknown): FieldError[] {
  return bodyErrors(domainModels[model], body, { of: 'command' })
}
