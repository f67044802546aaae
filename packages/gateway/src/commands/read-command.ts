/** For the service behind the log: reads a command that a gateway wrote, and makes the record that answers it. */
import { headerText, type ReceivedRecord } from '@streampay/kafka'
import { defaultHeaderNames, type HeaderNames } from '../definition/definition.ts'

/** A command of a gateway: the parts of its record, and a function for the answer. */
export type ReadCommand = {
  /** The subject of the token. */
  readonly identity: string
  /** Names the intent: each repetition has the same outcome. */
  readonly idempotencyKey: string
  /** The value of the domain model header: `model` of its route. */
  readonly model: string
  /** Parsed. A gateway has checked it by the schema of its route; but other clients with access to the topic can write any value. */
  readonly body: unknown
  /** The record for the response. `value` is encoded as JSON. */
  readonly reply: <Value>(status: number, value: Value) => Reply<Value>
}

/** The record that answers a command. The gateway that waits for it makes the HTTP response from it. */
export type Reply<Value> = {
  /** The reply topic that the command names. */
  readonly topic: string
  /** The correlation id of the command. */
  readonly key: string
  /** The body of the response, before it is encoded. */
  readonly value: Value
  /** Correlation id, identity and status, by the names of the gateway. */
  readonly headers: Readonly<Record<string, string>>
}

/** A record that no gateway wrote. */
export class NoCommandError extends Error {
  /** Stable, for programs; the message is for people and may change. */
  readonly code = 'no-command'
}

/**
 * Reads a record of the commands topic. Of repeated headers, the last one counts.
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
    throw new NoCommandError('the value of the record is not JSON', { cause })
  }
}
