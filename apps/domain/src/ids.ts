import { openingPrefix } from './limits.ts'

/**
 * Ids come from the coordinates of the record that caused them, never from randomness: a batch that is processed again
 * after an abort makes the same ids.
 */
export type Coordinates = { readonly partition: number; readonly offset: number }

export function transferIdOf({ partition, offset }: Coordinates): string {
  return `t${partition}-${offset}`
}

export function requestIdOf({ partition, offset }: Coordinates): string {
  return `r${partition}-${offset}`
}

/** One for each account, since an account opens once. */
export function openingTransferId(account: string): string {
  return `${openingPrefix}${account}`
}

/** Two names as one. The length distinguishes ("a", "bc") from ("ab", "c"). */
export function pairOf(first: string, second: string): string {
  return `${first.length}:${first}${second}`
}
