/** What the payments topology bounds, and its defaults. All of it may differ from one start to the next. */
import { defaultMaxFavourites, defaultRequestLimits, openingGrantCents, type RequestLimits } from '@streampay/domain'

export type PaymentsLimits = {
  /** Disk for the idempotency keys of one partition; beyond, new commands get 503 until old keys expire. */
  readonly maxIdempotencyBytes: number
  /** Of them, for those of one identity; beyond, its new commands get 429, and everybody else is served. */
  readonly maxBytesOfIdentity: number
  /** What an account that opens receives. */
  readonly openingGrantCents: number
  readonly requests: RequestLimits
  /** People whom one person has among their favourites. */
  readonly maxFavourites: number
}

/** An identity's share of the keys, if nothing else is said: 20 must work together to fill a partition. */
export const shareOfIdentity = 0.05

const defaultBytes = 2 * 1024 ** 3

/** For four partitions 22 million keys: 230 commands a second, day and night (apps/payments/README.md). */
export const defaultLimits: PaymentsLimits = {
  maxIdempotencyBytes: defaultBytes,
  maxBytesOfIdentity: Math.ceil(defaultBytes * shareOfIdentity),
  openingGrantCents,
  requests: defaultRequestLimits,
  maxFavourites: defaultMaxFavourites,
}

/** @throws RangeError if one bound makes another useless, naming both. */
export function checkLimits({ maxIdempotencyBytes, maxBytesOfIdentity, requests }: PaymentsLimits): void {
  if (maxBytesOfIdentity > maxIdempotencyBytes) {
    throw new RangeError(
      `Keys of one identity may take ${maxBytesOfIdentity} bytes, but those of a partition only ${maxIdempotencyBytes}`,
    )
  }
  const { maxOpenOfPair, maxOpenForDebtor } = requests
  if (maxOpenOfPair >= maxOpenForDebtor) {
    throw new RangeError(
      `One person may have ${maxOpenOfPair} open requests to another, who may have ${maxOpenForDebtor} in all: one could fill it alone`,
    )
  }
}
