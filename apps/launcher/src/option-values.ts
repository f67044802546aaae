/** The values of options, each checked by itself: a refusal names the option or variable that gave the value. */
import { numberOf, wholeNumberOf } from '@streampay/process/environment'

/** A mistake in the options, in one sentence. */
export class UsageError extends Error {}

/** A value, and the option or variable that gave it, to name in a refusal. */
export type Given = { readonly label: string; readonly text: string; readonly isDefault?: boolean }

export function isGiven(candidate: { readonly label: string; readonly text: string | undefined }): candidate is Given {
  return candidate.text !== undefined
}

export function integerOf({ label, text }: Given, { min, max }: { min: number; max: number }): number {
  const value = wholeNumberOf(text)
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${label} must be a whole number from ${min} to ${max}; "${text}" isn't.`)
  }
  return value
}

/** If only one of the two numbers is given, the other one follows it. */
export function crowdOf(first: Given, most: Given) {
  const limits = { min: 0, max: 10_000 }
  const users = integerOf(first, limits)
  const maxUsers = integerOf(most, limits)
  if (users <= maxUsers) return { users, maxUsers }
  if (first.isDefault) return { users: maxUsers, maxUsers }
  if (most.isDefault) return { users, maxUsers: users }
  throw new UsageError(`${first.label} (${users}) must not be more than ${most.label} (${maxUsers}).`)
}

export function speedOf({ label, text }: Given): number {
  const value = numberOf(text)
  if (!(value >= 0.01 && value <= 1000)) throw new UsageError(`${label} must be from 0.01 to 1000; "${text}" isn't.`)
  return value
}

export function oneOf({ label, text }: Given, choices: readonly string[]): string {
  if (!choices.includes(text)) throw new UsageError(`${label} must be one of ${choices.join(', ')}; "${text}" isn't.`)
  return text
}
