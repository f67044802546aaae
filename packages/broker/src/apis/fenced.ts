import { errors } from '@streampay/kafka/wire'

/** Clients from before PRODUCER_FENCED know INVALID_PRODUCER_EPOCH in its place (KIP-588). */
export function fencedAs(errorCode: number, knowsFenced: boolean): number {
  return errorCode === errors.PRODUCER_FENCED && !knowsFenced ? errors.INVALID_PRODUCER_EPOCH : errorCode
}
