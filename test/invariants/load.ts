/**
 * The clients of the invariants run: people who pay each other, ask for money, pay, decline and cancel, race a cancel
 * against a payment, send the same command twice at once, and join while services are being killed. Everything that a
 * client was told is kept, so that it can be held against the ledger afterwards.
 */
import { randomUUID } from 'node:crypto'
import type { BankClient, HttpAnswer, Intent } from '../support/bank-client.ts'

export type Tally = {
  paid: number
  paidAcrossPartitions: number
  requestsPaid: number
  requestsDeclined: number
  requestsCancelled: number
  races: number
  duplicates: number
  opened: number
}

export type Load = {
  readonly tally: Tally
  readonly intents: readonly Intent[]
  /** What clients saw that must not be, in words. */
  readonly faults: readonly string[]
  /** Ends every loop after its present round and waits for them. */
  stop(): Promise<void>
}

export type LoadOptions = {
  readonly bank: BankClient
  readonly seed: string
  readonly random: () => number
  readonly partitionOf: (identity: string) => number
  readonly people: number
}

const settleTimeoutMs = 60_000

export async function startLoad(options: LoadOptions): Promise<Load> {
  const load = new Clients(options)
  await load.registerAll()
  load.start()
  return load
}

class Clients implements Load {
  readonly tally: Tally = {
    paid: 0,
    paidAcrossPartitions: 0,
    requestsPaid: 0,
    requestsDeclined: 0,
    requestsCancelled: 0,
    races: 0,
    duplicates: 0,
    opened: 0,
  }
  readonly intents: Intent[] = []
  readonly faults: string[] = []
  readonly #options: LoadOptions
  readonly #people: string[]
  readonly #loops: Promise<void>[] = []
  #stopped = false

  constructor(options: LoadOptions) {
    this.#options = options
    this.#people = Array.from({ length: options.people }, (_, index) => `client-${options.seed}-${index}`)
  }

  async registerAll(): Promise<void> {
    for (const person of this.#people) await this.#register(person)
  }

  start(): void {
    for (let i = 0; i < 12; i++) this.#loop(() => this.#payRound())
    for (let i = 0; i < 8; i++) this.#loop(() => this.#requestRound())
    for (let i = 0; i < 2; i++) this.#loop(() => this.#raceRound())
    for (let i = 0; i < 2; i++) this.#loop(() => this.#duplicateRound())
    this.#loop(() => this.#openRound())
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  #loop(round: () => Promise<void>): void {
    const run = async () => {
      while (!this.#stopped) {
        try {
          await round()
        } catch (error) {
          this.faults.push(error instanceof Error ? error.message : String(error))
          return
        }
      }
    }
    this.#loops.push(run())
  }

  async #payRound(): Promise<void> {
    const [payer, payee] = this.#pair()
    await this.#pay(payer, payee, this.#amount())
  }

  async #pay(payer: string, payee: string, amount: number, requestId?: string): Promise<HttpAnswer> {
    const body = { userId: payee, amount, notes: 'load', ...(requestId === undefined ? {} : { requestId }) }
    const answer = await this.#command(payer, 'POST', '/pay', body)
    if (answer.status === 200) this.#countPayment(payer, payee)
    else if (answer.status !== 409) this.faults.push(`pay of ${payer}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }

  #countPayment(payer: string, payee: string): void {
    this.tally.paid += 1
    if (this.#options.partitionOf(payer) !== this.#options.partitionOf(payee)) this.tally.paidAcrossPartitions += 1
  }

  async #request(): Promise<{ id: string; requester: string; debtor: string; amount: number }> {
    const [requester, debtor] = this.#pair()
    const amount = this.#amount()
    const answer = await this.#command(requester, 'POST', '/request', { userId: debtor, amount })
    const id = (answer.body as { id?: string }).id
    if (answer.status !== 201 || id === undefined) {
      throw new Error(`request of ${requester}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    return { id, requester, debtor, amount }
  }

  /** A request is forwarded to its debtor's partition: until it has arrived there, 404 is a true answer. */
  async #onceKnown(act: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    for (let tries = 0; ; tries++) {
      const answer = await act()
      if (answer.status !== 404 || tries === 200) return answer
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  async #requestRound(): Promise<void> {
    const toPay = await this.#request()
    const paid = await this.#onceKnown(() => this.#pay(toPay.debtor, toPay.requester, toPay.amount, toPay.id))
    if (paid.status === 200) this.tally.requestsPaid += 1

    const toDecline = await this.#request()
    const declined = await this.#onceKnown(() =>
      this.#command(toDecline.debtor, 'POST', `/payment-requests/${toDecline.id}/decline`, {}),
    )
    if (declined.status === 200) this.tally.requestsDeclined += 1
    else this.faults.push(`decline: ${declined.status} ${JSON.stringify(declined.body)}`)

    const toCancel = await this.#request()
    const cancelled = await this.#onceKnown(() =>
      this.#command(toCancel.requester, 'POST', `/payment-requests/${toCancel.id}/cancel`, {}),
    )
    if (cancelled.status === 200) this.tally.requestsCancelled += 1
    else this.faults.push(`cancel: ${cancelled.status} ${JSON.stringify(cancelled.body)}`)
  }

  /** Cancel and pay at the same moment: exactly one of them may win. */
  async #raceRound(): Promise<void> {
    const { id, requester, debtor, amount } = await this.#request()
    const [cancelled, paid] = await Promise.all([
      this.#onceKnown(() => this.#command(requester, 'POST', `/payment-requests/${id}/cancel`, {})),
      this.#onceKnown(() => this.#pay(debtor, requester, amount, id)),
    ])
    const winners = [cancelled, paid].filter((answer) => answer.status === 200).length
    const isShortOfFunds = paid.status === 409 && /insufficient/.test(JSON.stringify(paid.body))
    if (winners !== 1 && !(winners === 0 && isShortOfFunds)) {
      this.faults.push(`race over request ${id}: cancel ${cancelled.status}, pay ${paid.status}`)
    }
    this.tally.races += 1
  }

  /** The same command several times at once: one transfer, the same answer to all. */
  async #duplicateRound(): Promise<void> {
    const [payer, payee] = this.#pair()
    const intent = this.#intent(payer, 'POST', '/pay', { userId: payee, amount: this.#amount() })
    const copies = [intent, { ...intent, unclear: [] }, { ...intent, unclear: [] }]
    const answers = await Promise.all(copies.map((copy) => this.#options.bank.settle(copy, settleTimeoutMs)))
    const outcomes = new Set(answers.map((answer) => `${answer.status} ${JSON.stringify(answer.body)}`))
    if (outcomes.size !== 1) this.faults.push(`duplicates of ${intent.key} were told ${[...outcomes].join(' and ')}`)
    if (answers[0]?.status === 200) this.#countPayment(payer, payee)
    this.tally.duplicates += 1
  }

  /** Somebody new joins and is paid at once, before or while the account opens. */
  async #openRound(): Promise<void> {
    const person = `client-${this.#options.seed}-new-${this.tally.opened}`
    await this.#register(person)
    await this.#pay(this.#pick(this.#people), person, 1)
    this.tally.opened += 1
  }

  async #register(person: string): Promise<void> {
    const answer = await this.#command(person, 'PUT', '/current-user', { name: `Client ${person}`, username: person })
    if (answer.status >= 300)
      throw new Error(`registration of ${person}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }

  #command(
    identity: string,
    method: string,
    path: string,
    body: Readonly<Record<string, unknown>>,
  ): Promise<HttpAnswer> {
    return this.#options.bank.settle(this.#intent(identity, method, path, body), settleTimeoutMs)
  }

  #intent(identity: string, method: string, path: string, body: Readonly<Record<string, unknown>>): Intent {
    const intent: Intent = { identity, method, path, body, key: randomUUID(), unclear: [], answer: undefined }
    this.intents.push(intent)
    return intent
  }

  #pair(): [string, string] {
    const one = this.#pick(this.#people)
    const others = this.#people.filter((person) => person !== one)
    return [one, this.#pick(others)]
  }

  #pick(people: readonly string[]): string {
    const person = people[Math.floor(this.#options.random() * people.length)]
    if (person === undefined) throw new Error('nobody to pick from')
    return person
  }

  #amount(): number {
    return 1 + Math.floor(this.#options.random() * 300)
  }
}
