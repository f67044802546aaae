/** The payments topology with people in it: commands go in as records, replies and records come out. */
import {
  type Balance,
  type BalanceHistory,
  type DomainModel,
  type Entry,
  headerNames,
  jsonContentType,
  type PaymentRequest,
  topicNames,
} from '@streampay/domain'
import { openTestDriver, type TestDriver, type WrittenRecord } from '@streampay/streams/test-driver'
import { defaultLimits, type PaymentsLimits } from '../../src/limits.ts'
import { paymentsTopology } from '../../src/payments-topology.ts'

export type CommandOptions = {
  readonly key?: string
  readonly requestId?: string
  /** Headers to replace; undefined removes one. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly recordKey?: string | Buffer | null
  readonly partition?: number
}

export type Answer = {
  readonly status: number
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

export class PaymentsWorld {
  readonly driver: TestDriver
  #commands = 0

  constructor(options: { partitionCount?: number; limits?: Partial<PaymentsLimits>; together?: boolean } = {}) {
    const { partitionCount = 4, limits, together = false } = options
    const topology = paymentsTopology({ ...defaultLimits, ...limits })
    this.driver = openTestDriver(topology, { partitionCount, together })
  }

  /** Adds people to the directory, and processes everything that follows. */
  register(...ids: string[]): this {
    this.driver.pipe(ids.map((id) => userRecord(id)))
    this.driver.settle()
    return this
  }

  command(model: DomainModel | string, identity: string, body: unknown, options: CommandOptions = {}) {
    this.#commands += 1
    const defaults: Record<string, string | undefined> = {
      [headerNames.domainModel]: model,
      [headerNames.identity]: identity,
      [headerNames.correlationId]: `correlation-${this.#commands}`,
      [headerNames.replyTo]: topicNames.replies,
      [headerNames.idempotencyKey]: options.key ?? `key-${this.#commands}`,
      [headerNames.contentType]: jsonContentType,
      [headerNames.requestId]: options.requestId,
    }
    const headers = Object.entries({ ...defaults, ...options.headers }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    )
    return {
      topic: topicNames.commands,
      key: options.recordKey === undefined ? identity : options.recordKey,
      value: body,
      headers: Object.fromEntries(headers),
      ...(options.partition === undefined ? {} : { partition: options.partition }),
    }
  }

  pay(identity: string, body: unknown, options?: CommandOptions): Answer {
    return this.run(this.command('PayCommand', identity, body, options))
  }

  request(identity: string, body: unknown, options?: CommandOptions): Answer {
    return this.run(this.command('RequestCommand', identity, body, options))
  }

  /** Makes a request and returns its id. */
  requested(identity: string, body: { userId: string; amount: number; notes?: string; visibility?: string }): string {
    const { status, body: reply } = this.request(identity, body)
    if (status !== 201) throw new Error(`the request was answered with ${status}`)
    return (reply as { id: string }).id
  }

  decline(identity: string, requestId: string, options: CommandOptions = {}): Answer {
    return this.run(this.command('DeclineCommand', identity, {}, { ...options, requestId }))
  }

  cancel(identity: string, requestId: string, options: CommandOptions = {}): Answer {
    return this.run(this.command('CancelCommand', identity, {}, { ...options, requestId }))
  }

  remind(identity: string, requestId: string, options: CommandOptions = {}): Answer {
    return this.run(this.command('RemindCommand', identity, {}, { ...options, requestId }))
  }

  block(identity: string, userId: string, options?: CommandOptions): Answer {
    return this.run(this.command('BlockCommand', identity, { userId }, options))
  }

  unblock(identity: string, requestId: string, options: CommandOptions = {}): Answer {
    return this.run(this.command('UnblockCommand', identity, {}, { ...options, requestId }))
  }

  favour(identity: string, userId: string, options?: CommandOptions): Answer {
    return this.run(this.command('FavouriteCommand', identity, { userId }, options))
  }

  unfavour(identity: string, requestId: string, options: CommandOptions = {}): Answer {
    return this.run(this.command('UnfavouriteCommand', identity, {}, { ...options, requestId }))
  }

  /** Moves log time on in the tasks of these people: one record sets the time, the next runs the punctuators. */
  pass(ms: number, ...ids: string[]): void {
    this.driver.now += ms
    this.register(...ids)
    this.register(...ids)
  }

  /** Processes one command with everything that follows, and returns its only answer. */
  run(command: ReturnType<PaymentsWorld['command']>): Answer {
    const [answer, ...more] = this.runAll([command])
    if (answer === undefined || more.length > 0) throw new Error(`there were ${more.length + (answer ? 1 : 0)} answers`)
    return answer
  }

  /** Processes commands in one batch; the answers are in the order of the replies. */
  runAll(commands: readonly ReturnType<PaymentsWorld['command']>[], options?: { abort?: boolean }): Answer[] {
    const written = [...this.driver.pipe(commands, options), ...this.driver.settle()]
    return written.filter((record) => record.topic === topicNames.replies).map(answerOf)
  }

  balance(id: string): number | undefined {
    return this.driver.store<Balance>('accounts', this.driver.taskOf(id)).get(id)?.balance
  }

  entries(): Entry[] {
    return this.driver.records(topicNames.transactions).map((record) => record.json as Entry)
  }

  history(id: string): BalanceHistory[] {
    return this.driver
      .records(topicNames.balanceHistories)
      .map((record) => record.json as BalanceHistory)
      .filter((row) => row.account === id)
  }

  requestVersions(id: string): PaymentRequest[] {
    return this.driver
      .records(topicNames.paymentRequests)
      .filter((record) => record.key === id)
      .map((record) => record.json as PaymentRequest)
  }

  /** The newest version of each request. */
  requests(): PaymentRequest[] {
    const newest = new Map<string, PaymentRequest>()
    for (const { key, json } of this.driver.records(topicNames.paymentRequests)) {
      if (json === null) newest.delete(key ?? '')
      else newest.set(key ?? '', json as PaymentRequest)
    }
    return [...newest.values()]
  }

  deadLetters(): WrittenRecord[] {
    return this.driver.records(topicNames.deadLetters)
  }
}

export function userRecord(id: string) {
  return {
    topic: topicNames.users,
    key: id,
    value: { id, name: `${id} by name`, username: id },
    headers: { [headerNames.identity]: id },
  }
}

function answerOf({ json, headers }: WrittenRecord): Answer {
  return { status: Number(headers[headerNames.status]), body: json, headers }
}
