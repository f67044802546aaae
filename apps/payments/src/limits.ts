/** The limits of the payments topology, and their defaults. All of them may change from one start to the next. */
import { defaultMaxFavourites, defaultRequestLimits, openingGrantCents, type RequestLimits } from '@streampay/domain'

export type PaymentsLimits = {
  /** The disk space for the idempotency keys of one partition; beyond it, new commands get 503 until old keys expire. */
  readonly maxIdempotencyBytes: number
  /** The part of it for one identity; beyond it, new commands of that identity get 429, and others are not affected. */
  readonly maxBytesOfIdentity: number
  /** The grant of a new account. */
  readonly openingGrantCents: number
  readonly requests: RequestLimits
  /** The number of people among a person's favourites. */
  readonly maxFavourites: number
}

/** The default share of an identity in the keys: at least 20 identities are needed to fill a partition. */
export const shareOfIdentity = 0.05

const defaultBytes = 2 * 1024 ** 3

/** For four partitions 22 million keys: 230 commands per second around the clock (apps/payments/README.md). */
export const defaultLimits: PaymentsLimits = {
  maxIdempotencyBytes: defaultBytes,
  maxBytesOfIdentity: Math.ceil(defaultBytes * shareOfIdentity),
  openingGrantCents,
  requests: defaultRequestLimits,
  maxFavourites: defaultMaxFavourites,
}

/** @throws RangeError if one limit makes another useless, with both names. */
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
