/**
 * Clients under load: people who pay each other, ask for money, pay, decline, remind and cancel, race a cancel against a payment, send the
 * same command several times at once and through several gateways, repeat commands from long ago, stop after one unclear answer, and join,
 * all while services are being killed. Every answer is kept, so that it can be compared with the ledger afterwards.
 */
import type { BankClient } from './bank-client.ts'
import {
  copyOf,
  type Intent,
  type IntentSpec,
  isPaymentOutcome,
  isRefusal,
  mayRepeatBeTold,
  newIntent,
  type Told,
  toldText,
} from './intent.ts'

export type Tally = {
  paid: number
  paidAcrossPartitions: number
  requestsPaid: number
  requestsDeclined: number
  requestsCancelled: number
  requestsReminded: number
  races: number
  duplicates: number
  repeats: number
  opened: number
}

/** How many loops of each kind run. */
export type LoopCounts = Readonly<
  Record<'pay' | 'request' | 'race' | 'duplicate' | 'open' | 'repeat' | 'giveUp', number>
>

export type Load = {
  readonly tally: Tally
  readonly intents: readonly Intent[]
  /** Payments that were sent once, without a definite answer, and not repeated. */
  readonly givenUp: readonly Intent[]
  /** The people who are joining at this moment: their profile was sent, their first payment is not answered yet. */
  readonly joining: ReadonlySet<string>
  /** Violations that clients saw, in words. */
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
  readonly loops?: Partial<LoopCounts>
  /** How long an intent may take to get its definite answer. */
  readonly settleTimeoutMs?: number
  /** Awaited before each new intent, to bound the rate. */
  readonly turn?: () => Promise<void>
  /** Ends everything at once, settled or not. */
  readonly signal?: AbortSignal
  /** Called for each of `faults` when it is seen. */
  readonly onFault?: (fault: string) => void
}

type Settled = { readonly payer: string; readonly payee: string; readonly isPossible?: boolean }

type Command = Omit<IntentSpec, 'body'> & { readonly body?: IntentSpec['body'] }

const defaultSettleTimeoutMs = 60_000
const defaultLoops: LoopCounts = { pay: 12, request: 8, race: 2, duplicate: 2, open: 1, repeat: 0, giveUp: 0 }
/** How long a request that was just made may take to arrive at its debtor's partition. */
const forwardPauseMs = 25
const givenUpPauseMs = 1_000
/** The number of the newest repeatable intents that are kept. */
const maxRepeatable = 5_000

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
    requestsReminded: 0,
    races: 0,
    duplicates: 0,
    repeats: 0,
    opened: 0,
  }
  readonly intents: Intent[] = []
  readonly givenUp: Intent[] = []
  readonly joining = new Set<string>()
  readonly faults: string[] = []
  readonly #options: LoadOptions
  readonly #settleTimeoutMs: number
  readonly #people: string[]
  readonly #loops: Promise<void>[] = []
  readonly #repeatable: Intent[] = []
  #joined = 0
  #stopped = false

  constructor(options: LoadOptions) {
    this.#options = options
    this.#settleTimeoutMs = options.settleTimeoutMs ?? defaultSettleTimeoutMs
    this.#people = Array.from({ length: options.people }, (_, index) => `client-${options.seed}-${index}`)
  }

  async registerAll(): Promise<void> {
    for (const person of this.#people) await this.#register(person)
  }

  start(): void {
    const loops = { ...defaultLoops, ...this.#options.loops }
    const rounds: Readonly<Record<keyof LoopCounts, () => Promise<void>>> = {
      pay: () => this.#payRound(),
      request: () => this.#requestRound(),
      race: () => this.#raceRound(),
      duplicate: () => this.#duplicateRound(),
      open: () => this.#openRound(),
      repeat: () => this.#repeatRound(),
      giveUp: () => this.#giveUpRound(),
    }
    for (const [kind, count] of Object.entries(loops) as [keyof LoopCounts, number][]) {
      for (let i = 0; i < count; i++) this.#loop(rounds[kind])
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  #loop(round: () => Promise<void>): void {
    const run = async () => {
      while (!this.#stopped && this.#options.signal?.aborted !== true) {
        try {
          await round()
        } catch (error) {
          this.#fault(error instanceof Error ? error.message : String(error))
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

  async #pay(payer: string, payee: string, amount: number, requestId?: string): Promise<Told> {
    const body = { userId: payee, amount, ...(requestId === undefined ? {} : { requestId }) }
    const answer = await this.#command({ identity: payer, method: 'POST', path: '/pay', body })
    const isOverRequest = isRefusal(answer, 'unknown-request') || isRefusal(answer, 'request-closed')
    this.#settled(answer, { payer, payee, isPossible: requestId !== undefined && isOverRequest })
    return answer
  }

  /** Counts payments; any other outcome is a fault, unless it is listed as possible. */
  #settled(answer: Told, { payer, payee, isPossible = false }: Settled): void {
    if (!isPaymentOutcome(answer) && !isPossible) this.#fault(`pay of ${payer}: ${toldText(answer)}`)
    if (answer.status !== 200) return
    this.tally.paid += 1
    if (this.#options.partitionOf(payer) !== this.#options.partitionOf(payee)) this.tally.paidAcrossPartitions += 1
  }

  async #request(): Promise<{ id: string; requester: string; debtor: string; amount: number }> {
    const [requester, debtor] = this.#pair()
    const amount = this.#amount()
    const body = { userId: debtor, amount }
    const answer = await this.#command({ identity: requester, method: 'POST', path: '/request', body })
    const id = (answer.body as { id?: string }).id
    if (answer.status !== 201 || id === undefined) throw new Error(`request of ${requester}: ${toldText(answer)}`)
    return { id, requester, debtor, amount }
  }

  /** A request is forwarded to its debtor's partition: until it has arrived there, 404 is a correct answer. */
  async #onceKnown(act: () => Promise<Told>): Promise<Told> {
    const deadline = Date.now() + this.#settleTimeoutMs
    for (let pauseMs = forwardPauseMs; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
      const answer = await act()
      if (answer.status !== 404 || this.#options.signal?.aborted === true) return answer
      if (Date.now() > deadline) {
        this.#fault(`a request is still unknown after ${this.#settleTimeoutMs} ms: ${toldText(answer)}`)
        return answer
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  async #requestRound(): Promise<void> {
    const toPay = await this.#request()
    const paid = await this.#onceKnown(() => this.#pay(toPay.debtor, toPay.requester, toPay.amount, toPay.id))
    if (paid.status === 200) this.tally.requestsPaid += 1
    else if (isRefusal(paid, 'request-closed')) this.#fault(`no client closed ${toPay.id}, but: ${toldText(paid)}`)

    const toDecline = await this.#request()
    const declined = await this.#onceKnown(() => this.#tell(toDecline.debtor, toDecline.id, 'decline'))
    if (declined.status === 200) this.tally.requestsDeclined += 1
    else this.#fault(`decline: ${toldText(declined)}`)

    const toCancel = await this.#request()
    const reminded = await this.#onceKnown(() => this.#tell(toCancel.requester, toCancel.id, 'remind'))
    if (reminded.status === 200) this.tally.requestsReminded += 1
    else this.#fault(`remind: ${toldText(reminded)}`)
    const cancelled = await this.#onceKnown(() => this.#tell(toCancel.requester, toCancel.id, 'cancel'))
    if (cancelled.status === 200) this.tally.requestsCancelled += 1
    else this.#fault(`cancel: ${toldText(cancelled)}`)
  }

  #tell(identity: string, requestId: string, how: 'decline' | 'cancel' | 'remind'): Promise<Told> {
    return this.#command({ identity, method: 'POST', path: `/payment-requests/${requestId}/${how}` })
  }

  /** Cancel and pay at the same moment: exactly one of them may succeed. */
  async #raceRound(): Promise<void> {
    const { id, requester, debtor, amount } = await this.#request()
    const [cancelled, paid] = await Promise.all([
      this.#onceKnown(() => this.#tell(requester, id, 'cancel')),
      this.#onceKnown(() => this.#pay(debtor, requester, amount, id)),
    ])
    const winners = [cancelled, paid].filter((answer) => answer.status === 200).length
    const isShortOfFunds = isRefusal(paid, 'insufficient-funds')
    const isCancelPossible = cancelled.status === 200 || isRefusal(cancelled, 'request-closed')
    if (!isCancelPossible || (winners !== 1 && !(winners === 0 && isShortOfFunds))) {
      this.#fault(`race over request ${id}: cancel ${toldText(cancelled)}, pay ${toldText(paid)}`)
    }
    this.tally.races += 1
  }

  /** The same command several times at once, through every gateway: one transfer, the same answer to all that were not refused. */
  async #duplicateRound(): Promise<void> {
    const { bank } = this.#options
    const [payer, payee] = this.#pair()
    const body = { userId: payee, amount: this.#amount() }
    const intent = await this.#intent({ identity: payer, method: 'POST', path: '/pay', body })
    const copies = [intent, copyOf(intent), copyOf(intent)]
    const answers = await Promise.all(
      copies.map((copy, index) => bank.settle(copy, { ...this.#settling(), gateway: index % bank.gateways })),
    )
    const done = answers.filter(({ status }) => status === 200)
    const outcomes = new Set(done.map(toldText))
    if (outcomes.size > 1) this.#fault(`duplicates of ${intent.key} were told ${[...outcomes].join(' and ')}`)
    // A copy that was refused for lack of money is decided by itself, and another one may be carried out after it.
    const refused = answers.filter(({ status }) => status !== 200)
    for (const answer of [...done.slice(0, 1), ...refused]) this.#settled(answer, { payer, payee })
    intent.answer = done[0] ?? answers[0]
    this.tally.duplicates += 1
  }

  async #repeatRound(): Promise<void> {
    await this.#options.turn?.()
    const intent = this.#repeatable[Math.floor(this.#options.random() * this.#repeatable.length)]
    if (intent === undefined) return await this.#payRound()
    const { answer, body } = intent
    const again = await this.#options.bank.settle(copyOf(intent), this.#settling())
    if (!mayRepeatBeTold({ answer, body }, again)) {
      const marked = again.replayed ? 'marked' : 'not marked'
      this.#fault(
        `${intent.key} was told ${toldText(answer)} at first, ${toldText(again)} when repeated, ${marked} as replayed`,
      )
    }
    if (again.status === 200) intent.answer = again
    this.tally.repeats += 1
  }

  /** Sends a payment once; without a definite answer the client does not ask again. */
  async #giveUpRound(): Promise<void> {
    const [payer, payee] = this.#pair()
    const body = { userId: payee, amount: this.#amount() }
    const intent = await this.#intent({ identity: payer, method: 'POST', path: '/pay', body })
    intent.answer = await this.#options.bank.send(intent)
    if (intent.answer === undefined) {
      this.givenUp.push(intent)
      // The next client that stops waiting comes a little later: refusals are fast, and would take the turns of all others.
      await new Promise((resolve) => setTimeout(resolve, givenUpPauseMs))
    } else this.#settled(intent.answer, { payer, payee })
  }

  /** A new person joins and is paid at once, before or while the account opens. */
  async #openRound(): Promise<void> {
    const person = `client-${this.#options.seed}-new-${this.#joined}`
    this.#joined += 1
    this.joining.add(person)
    await this.#register(person)
    await this.#pay(this.#pick(this.#people), person, 1)
    this.joining.delete(person)
    this.tally.opened += 1
  }

  async #register(person: string): Promise<void> {
    const body = { name: `Client ${person}`, username: person }
    const answer = await this.#command({ identity: person, method: 'PUT', path: '/current-user', body })
    if (answer.status >= 300) throw new Error(`registration of ${person}: ${toldText(answer)}`)
  }

  async #command(command: Command): Promise<Told> {
    const intent = await this.#intent(command)
    const answer = await this.#options.bank.settle(intent, this.#settling())
    // What was unknown may be known now: its repeat would do the same as another round.
    if (intent.method === 'POST' && !isRefusal(answer, 'unknown-request')) this.#rememberForRepeat(intent)
    return answer
  }

  #fault(fault: string): void {
    this.faults.push(fault)
    this.#options.onFault?.(fault)
  }

  #settling() {
    const { signal } = this.#options
    return { timeoutMs: this.#settleTimeoutMs, ...(signal === undefined ? {} : { signal }) }
  }

  #rememberForRepeat(intent: Intent): void {
    if (this.#repeatable.length < maxRepeatable) this.#repeatable.push(intent)
    else this.#repeatable[Math.floor(this.#options.random() * maxRepeatable)] = intent
  }

  async #intent({ body = {}, ...command }: Command): Promise<Intent> {
    await this.#options.turn?.()
    const intent = newIntent({ ...command, body })
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
    if (person === undefined) throw new Error('there is no user to pick from')
    return person
  }

  #amount(): number {
    return 1 + Math.floor(this.#options.random() * 300)
  }
}
