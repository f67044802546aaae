/**
 * Says when commands are answered again: for each partition of `commands`, one test account pays one cent to another through every gateway,
 * and the answer is awaited.
 */
import type { BankClient } from '../support/bank-client.ts'
import { type Intent, newIntent, type Told, toldText } from '../support/intent.ts'

export type RecoveryProbeOptions = {
  readonly bank: BankClient
  readonly seed: string
  readonly partitions: number
  readonly partitionOf: (identity: string) => number
}

type Pair = { readonly payer: string; readonly payee: string; readonly gateway: number }

/** After this time another attempt with the same key is added to those before, which may wait for something that is lost. */
const attemptEveryMs = 500
const maxAttemptsAtOnce = 10
const openTimeoutMs = 60_000

export class RecoveryProbe {
  /** Everything that was sent, for the check of the ledger. */
  readonly intents: Intent[] = []
  readonly #options: RecoveryProbeOptions
  readonly #people: readonly string[]

  constructor(options: RecoveryProbeOptions) {
    this.#options = options
    this.#people = Array.from({ length: options.partitions }, (_, partition) => personIn(partition, options))
  }

  async open(): Promise<void> {
    for (const person of this.#people) {
      const body = { name: person, username: person }
      const intent = newIntent({ identity: person, method: 'PUT', path: '/current-user', body })
      await this.#options.bank.settle(intent, { timeoutMs: openTimeoutMs })
    }
  }

  /**
   * Resolves with the time, by `performance.now()`, at which the last of all partitions and gateways had answered a command
   * that was sent after the call; undefined if the signal aborts before.
   * @throws Error that names the accounts without an answer in time, or with an answer other than a payment
   */
  async recovered(timeoutMs: number, signal: AbortSignal): Promise<number | undefined> {
    const times = await Promise.all(this.#pairs().map((pair) => this.#answered(pair, timeoutMs, signal)))
    const known = times.filter((time) => time !== undefined)
    return known.length === times.length ? Math.max(...known) : undefined
  }

  #pairs(): Pair[] {
    const { bank } = this.#options
    return this.#people.flatMap((payer, partition) => {
      const payee = this.#people[(partition + 1) % this.#people.length] ?? payer
      return Array.from({ length: bank.gateways }, (_, gateway) => ({ payer, payee, gateway }))
    })
  }

  /** Settles the commands that were unanswered when the signal aborted. @throws UnsettledError */
  async finish(): Promise<void> {
    const open = this.intents.filter(({ answer }) => answer === undefined)
    await Promise.all(open.map((intent) => this.#options.bank.settle(intent, { timeoutMs: openTimeoutMs })))
  }

  async #answered(
    { payer, payee, gateway }: Pair,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const body = { userId: payee, amount: 1 }
    const intent = newIntent({ identity: payer, method: 'POST', path: '/pay', body })
    this.intents.push(intent)
    const deadline = performance.now() + timeoutMs
    const first = Promise.withResolvers<Told>()
    let underWay = 0
    const attempt = async () => {
      underWay += 1
      const told = await this.#options.bank.send(intent, { gateway })
      underWay -= 1
      if (told !== undefined) first.resolve(told)
    }
    for (;;) {
      if (signal.aborted) return undefined
      if (performance.now() > deadline) {
        const reason = intent.lastUnclear?.reason ?? 'nothing came'
        throw new Error(`${payer} is not answered through gateway ${gateway} after ${timeoutMs} ms: ${reason}`)
      }
      if (underWay < maxAttemptsAtOnce) void attempt()
      const told = await Promise.race([first.promise, pause(attemptEveryMs)])
      if (told === undefined) continue
      const answeredAt = performance.now()
      intent.answer = told
      if (told.status !== 200) throw new Error(`${payer} was told ${toldText(told)}`)
      return answeredAt
    }
  }
}

function personIn(partition: number, { seed, partitionOf }: RecoveryProbeOptions): string {
  for (let number = 0; ; number++) {
    const name = `probe-${seed}-${partition}-${number}`
    if (partitionOf(name) === partition) return name
  }
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms))
}
