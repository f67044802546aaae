import { errors } from '@streampay/kafka/wire'

/** Clients that are older than PRODUCER_FENCED get INVALID_PRODUCER_EPOCH instead (KIP-588). */
export function fencedAs(errorCode: number, knowsFenced: boolean): number {
  return errorCode === errors.PRODUCER_FENCED && !knowsFenced ? errors.INVALID_PRODUCER_EPOCH : errorCode
}
