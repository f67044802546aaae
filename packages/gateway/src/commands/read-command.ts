/** For the service behind the log: a command as a gateway wrote it, and the record that answers it. */
import { headerText, type ReceivedRecord } from '@streampay/kafka'
import { defaultHeaderNames, type HeaderNames } from '../definition/definition.ts'

/** A command of a gateway: the parts of its record, and how it is answered. */
export type ReadCommand = {
  /** Whose token it was. */
  readonly identity: string
  /** Names the intent: the same one has the same outcome, however often it is sent. */
  readonly idempotencyKey: string
  /** The domain model header: `model` of its route. */
  readonly model: string
  /** Parsed. A gateway has checked it by the schema of its route; but anybody who may write the topic can write others. */
  readonly body: unknown
  /** The record that makes the response. `value` is to be encoded as JSON. */
  readonly reply: <Value>(status: number, value: Value) => Reply<Value>
}

/** The record that answers a command. The gateway that waits for it makes the HTTP response of it. */
export type Reply<Value> = {
  readonly topic: string
  readonly key: string
  readonly value: Value
  readonly headers: Readonly<Record<string, string>>
}

/** A record that no gateway wrote. */
export class NoCommandError extends Error {
  readonly code = 'no-command'
}

/**
 * Reads a record of the commands topic. Of a header that repeats, the last one counts.
 * @throws NoCommandError if a header is missing, or the value is not JSON
 */
export function readCommand(
  record: Pick<ReceivedRecord, 'headers' | 'value'>,
  names: HeaderNames = defaultHeaderNames,
): ReadCommand {
  const header = (name: string) => {
    const text = headerText(record.headers, name)
    if (text === undefined) throw new NoCommandError(`the record has no header ${name}`)
    return text
  }
  const [identity, idempotencyKey] = [header(names.identity), header(names.idempotencyKey)]
  const [correlationId, topic] = [header(names.correlationId), header(names.replyTo)]
  const headers = {
    [names.correlationId]: correlationId,
    [names.replyIdentity]: identity,
    [names.idempotencyKey]: idempotencyKey,
  }
  return {
    identity,
    idempotencyKey,
    model: header(names.domainModel),
    body: parsed(record.value),
    reply: (status, value) => ({
      topic,
      key: correlationId,
      value,
      headers: { ...headers, [names.status]: String(status), [names.contentType]: contentTypeOf(status) },
    }),
  }
}

function contentTypeOf(status: number): string {
  return status < 400 ? 'application/json' : 'application/problem+json'
}

function parsed(value: Buffer | null): unknown {
  try {
    return JSON.parse(value?.toString() ?? '')
  } catch (cause) {
    throw new NoCommandError('the value of the record is no JSON', { cause })
  }
}
