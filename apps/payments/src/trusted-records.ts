/**
 * Records from outside: any Kafka client can write `commands` and `users`, so none of their content is trusted
 * until it is checked here. A failed check is thrown as an UntrustedRecord; the runtime undoes the record's effects and
 * writes it to `dead-letters` with the reason, and `answerUntrusted` answers the waiting client, if there is an address.
 *
 * A value that is not strictly JSON (repeated members, numbers that would be rounded) fails here, and so does one that cannot
 * be decoded. This file does not check a body against its schema: such a command is refused with 400 and the
 * names of the fields, like any other refusal.
 */
import {
  type Coordinates,
  type DomainModel,
  headerNames,
  isDomainModel,
  isReserved,
  maxIdLength,
  problem,
  type ReplyAddress,
  replyTopics,
  treasuryId,
  type User,
  userFault,
} from '@streampay/domain'
import { partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import { headerText, type ProcessorContext } from '@streampay/streams'
import { UntrustedRecord } from './errors.ts'
import { sendReply } from './send-reply.ts'
import { parseOutsideJson } from './serdes.ts'

export type TrustedCommand = {
  readonly model: DomainModel
  readonly identity: string
  readonly reply: ReplyAddress
  /** The `{id}` of the path; always present if {@link hasPathId} says so; when a person is removed from a list, it is that person's id. */
  readonly requestId: string | undefined
  /** Parsed, not yet checked against the model's schema. */
  readonly body: unknown
  readonly cause: Coordinates
  /** Log time, in ms. */
  readonly at: number
}

const hasPathId: Readonly<Record<DomainModel, boolean>> = {
  PayCommand: false,
  RequestCommand: false,
  DeclineCommand: true,
  CancelCommand: true,
  RemindCommand: true,
  BlockCommand: false,
  UnblockCommand: true,
  FavouriteCommand: false,
  UnfavouriteCommand: true,
}

/** @throws UntrustedRecord */
export function trustedCommand(record: ReceivedRecord, context: ProcessorContext): TrustedCommand {
  const { partition, offset, headers } = record
  const identity = identityOf(record, context)
  if (headerText(headers, headerNames.identity) !== identity) {
    throw new UntrustedRecord(`the key is not the ${headerNames.identity}`)
  }
  if (isReserved(identity) && identity !== treasuryId) {
    throw new UntrustedRecord(`the identity "${identity}" is reserved`, 'reserved-identity')
  }
  const replyTo = headerText(headers, headerNames.replyTo)
  if (replyTo === undefined || !replyTopics.includes(replyTo)) {
    throw new UntrustedRecord(`${headerNames.replyTo} is not a known reply topic`)
  }
  const correlationId = idHeader(record, headerNames.correlationId)
  const idempotencyKey = idHeader(record, headerNames.idempotencyKey)
  const model = headerText(headers, headerNames.domainModel)
  if (model === undefined || !isDomainModel(model)) {
    throw new UntrustedRecord(`${headerNames.domainModel} is not a known command`)
  }
  return {
    model,
    identity,
    reply: { replyTo, correlationId, identity, idempotencyKey },
    requestId: hasPathId[model] ? idHeader(record, headerNames.requestId) : undefined,
    body: bodyOf(record, model),
    cause: { partition, offset },
    at: record.timestamp,
  }
}

/** A profile from `users`; undefined for a tombstone, which removes a name from the directory but never an account. */
export function trustedUser(record: ReceivedRecord, context: ProcessorContext): User | undefined {
  const identity = identityOf(record, context)
  const value = record.value === null ? null : jsonOf(record)
  const claimed = headerText(record.headers, headerNames.identity)
  const fault = userFault({ key: identity, identity: claimed, value })
  if (fault !== undefined) throw new UntrustedRecord(fault)
  return value === null ? undefined : (value as User)
}

/** Answers a dead-lettered command, if it has an address and a sender. */
export function answerUntrusted(record: ReceivedRecord, context: ProcessorContext, error: Error): void {
  const replyTo = headerText(record.headers, headerNames.replyTo)
  const correlationId = headerText(record.headers, headerNames.correlationId)
  if (replyTo === undefined || !replyTopics.includes(replyTo) || !isId(correlationId)) return
  const untrusted = error instanceof UntrustedRecord
  const detail = untrusted
    ? `The command was not accepted: ${error.message}.`
    : 'The command could not be processed; it had no effect.'
  const body = problem(untrusted ? error.slug : 'internal-error', detail)
  const identity = headerText(record.headers, headerNames.identity)
  const idempotencyKey = headerText(record.headers, headerNames.idempotencyKey)
  const address = {
    replyTo,
    correlationId,
    // Long headers must not make the reply larger than a record may be: that would stop the task.
    identity: isId(identity) ? identity : undefined,
    idempotencyKey: isId(idempotencyKey) ? idempotencyKey : undefined,
  }
  sendReply(context, address, { status: body.status, body })
}

/** The record's key as an identity whose account this task has. */
function identityOf({ key, partition }: ReceivedRecord, context: ProcessorContext): string {
  if (key === null) throw new UntrustedRecord('there is no key')
  // Another partitioner (kcat hashes by CRC-32) would send the command to a task that does not have the account.
  if (partitionForKey(key, context.partitionCount) !== partition) {
    throw new UntrustedRecord('the partition is not that of the key by murmur2')
  }
  const identity = key.toString('utf8')
  // Bytes that are not UTF-8 would become another key, perhaps of another partition, when they are written again.
  if (!Buffer.from(identity).equals(key)) throw new UntrustedRecord('the key is not UTF-8')
  if (!isId(identity)) throw new UntrustedRecord(`the key is not 1 to ${maxIdLength} characters`)
  return identity
}

function idHeader(record: ReceivedRecord, name: string): string {
  const text = headerText(record.headers, name)
  if (text === undefined) throw new UntrustedRecord(`there is no ${name}`)
  if (!isId(text)) throw new UntrustedRecord(`${name} is not 1 to ${maxIdLength} characters`)
  return text
}

function isId(text: string | undefined): text is string {
  return text !== undefined && text.length > 0 && text.length <= maxIdLength
}

/** The path of such commands has all their data, so a client may leave out the body. */
function bodyOf(record: ReceivedRecord, model: DomainModel): unknown {
  const isEmpty = record.value === null || record.value.length === 0
  return isEmpty && hasPathId[model] ? {} : jsonOf(record)
}

function jsonOf(record: ReceivedRecord): unknown {
  try {
    return parseOutsideJson(record.value)
  } catch (cause) {
    throw new UntrustedRecord(cause instanceof Error ? cause.message : 'the value is undecodable', undefined, cause)
  }
}
