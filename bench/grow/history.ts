/**
 * The commands of a history: who pays whom how much, the same at each call. Records are those that a gateway writes; the services make all
 * others from them.
 */
import { headerNames, jsonContentType, topicNames } from '@streampay/domain'
import type { RecordToSend } from '@streampay/kafka'

export type History = {
  readonly payments: number
  readonly people: number
  /** Of a hundred payments, this many go to one person: `personId(0)`. */
  readonly merchantPercent: number
  /** The log time over which it spreads, up to now. Keys of the last 24 hours are kept. */
  readonly hours: number
}

export function personId(n: number): string {
  return `person-${String(n).padStart(7, '0')}`
}

export function userRecord(n: number): RecordToSend {
  const id = personId(n)
  return {
    topic: topicNames.users,
    key: id,
    value: JSON.stringify({ id, name: `${nameOf(n)} ${n}`, username: id }),
    headers: { [headerNames.identity]: id, [headerNames.contentType]: jsonContentType },
  }
}

/** The nth payment. Payers take turns, so that no account runs out of money; amounts are from 0.01 to 3.00. */
export function paymentRecord(n: number, { people, merchantPercent }: History): RecordToSend {
  const payer = n % people
  const random = hashOf(n)
  const toMerchant = random % 100 < merchantPercent && payer !== 0
  const other = (payer + 1 + ((random >>> 8) % (people - 1))) % people
  const id = idOf(n)
  return {
    topic: topicNames.commands,
    key: personId(payer),
    value: JSON.stringify({
      userId: personId(toMerchant ? 0 : other),
      amount: 1 + (random % 300),
      ...(n % 2 === 0 ? { notes: `invoice ${n}` } : {}),
    }),
    headers: {
      [headerNames.domainModel]: 'PayCommand',
      [headerNames.identity]: personId(payer),
      [headerNames.correlationId]: id,
      [headerNames.replyTo]: topicNames.replies,
      [headerNames.idempotencyKey]: id,
      [headerNames.contentType]: jsonContentType,
    },
  }
}

/** In the form of a UUID, which is what the wallet makes. */
function idOf(n: number): string {
  const hex =
    [n, n + 2 ** 31].map((seed) => hashOf(seed).toString(16).padStart(8, '0')).join('') +
    n.toString(16).padStart(16, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** 32 bits that look random (the finalizer of MurmurHash3). */
function hashOf(n: number): number {
  let hash = n >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const names = ['Anna', 'Bob', 'Ada', 'Grace', 'Jürgen', 'Søren', 'Émilie', 'Łukasz', 'Zoë', 'José', '陈伟', 'Дмитрий']

function nameOf(n: number): string {
  return names[n % names.length] ?? ''
}
