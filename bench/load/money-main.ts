/**
 * A process that sends commands in a closed loop and reads their replies: a fixed number is always under way. The time of a command is from
 * its sending until its reply is visible to a read_committed reader.
 *
 * Each measurement is followed by checks: each command was answered once, a repeated command gets the same answer, and each account has the
 * balance that follows from the commands: then their sum has not changed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Cluster,
  openAdmin,
  openCluster,
  openProducer,
  openReader,
  type Producer,
  type Reader,
  type RecordToSend,
} from '@streampay/kafka'
import { percentile } from '../harness/spread.ts'
import { type MoneyTopics, type PayCommand, type PayReply, partitionCount } from '../support/money-path.ts'
import { Balances } from './money-balances.ts'
import type { MoneyBegin, MoneyChecked, MoneyCounted, MoneyMeasure, MoneyOpen } from './money-job.ts'

const silenceTimeoutMs = 30_000
/** Of commands that are sent again after a measurement. */
const repeated = 16

process.once('disconnect', () => process.exit(0))
process.once('message', (job: MoneyOpen) => {
  open(job).then((load) => {
    process.on('message', (measure: MoneyMeasure) => void load.measure(measure).catch(fail))
    tell({ type: 'open' })
  }, fail)
})
tell({ type: 'ready' })

type Sent = PayCommand & { readonly at: number }

class Load {
  readonly #job: MoneyOpen
  readonly #producer: Producer
  readonly #replies: Reader
  readonly #balances: Balances
  readonly #waiting = new Map<string, Sent>()
  /** The last commands with their replies, to be sent again. */
  #last: { readonly command: PayCommand; readonly reply: PayReply }[] = []
  #next = 0
  #answered = 0
  /** Undefined outside of the counted time. */
  #tookMs: number[] | undefined
  #isSending = false

  constructor(job: MoneyOpen, parts: { producer: Producer; replies: Reader; balances: Balances }) {
    this.#job = job
    this.#producer = parts.producer
    this.#replies = parts.replies
    this.#balances = parts.balances
  }

  async measure({ inFlight, warmUpSeconds, seconds }: MoneyMeasure): Promise<void> {
    const before = this.#answered
    this.#isSending = true
    this.#send(Array.from({ length: inFlight }, () => this.#command()))
    const answers = this.#answers()
    await delay(warmUpSeconds * 1000)
    const tookMs: number[] = []
    this.#tookMs = tookMs
    const begin: MoneyBegin = { type: 'begin' }
    tell(begin)
    const beganAt = performance.now()
    await Promise.race([delay(seconds * 1000), answers])
    this.#tookMs = undefined
    const perSecond = tookMs.length / ((performance.now() - beganAt) / 1000)
    const figures = { perSecond, p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) }
    const counted: MoneyCounted = { type: 'counted', commands: tookMs.length, figures }
    tell(counted)
    this.#isSending = false
    await answers
    if (this.#job.keepsState) await this.#checkState()
    await this.#checkSilence()
    const checked: MoneyChecked = { type: 'checked', commands: this.#answered - before }
    tell(checked)
  }

  /** Reads until no answer is awaited; during the sending time each answered command is replaced by a new one. */
  async #answers(): Promise<void> {
    let lastAt = performance.now()
    while (this.#waiting.size > 0) {
      const replies = await this.#poll()
      const now = performance.now()
      for (const reply of replies) {
        const sent = this.#waiting.get(reply.id)
        if (sent === undefined) throw new Error(`${reply.id} was answered twice, or never asked`)
        if (reply.status !== 200) throw new Error(`${reply.id} was answered with ${reply.status}`)
        if (reply.replayed) throw new Error(`${reply.id} was answered as if it had been seen before`)
        this.#waiting.delete(reply.id)
        this.#balances.expect(sent)
        this.#tookMs?.push(now - sent.at)
        if (!this.#isSending) this.#last.push({ command: sent, reply })
      }
      this.#answered += replies.length
      if (replies.length > 0) lastAt = now
      else if (now - lastAt > silenceTimeoutMs) throw new Error(`${this.#waiting.size} commands are not answered`)
      if (this.#isSending) this.#send(replies.map(() => this.#command()))
    }
  }

  async #poll(timeoutMs?: number): Promise<PayReply[]> {
    const fetched = await this.#replies.poll(timeoutMs === undefined ? {} : { timeoutMs })
    return fetched.flatMap(({ records }) => records.map(({ value }) => JSON.parse(String(value)) as PayReply))
  }

  /** Payers take turns, and so do the payees of each: in time every account pays every other one. */
  #command(): PayCommand {
    const { accounts } = this.#job
    const n = this.#next++
    const payer = n % accounts
    const payee = (payer + 1 + ((Math.floor(n / accounts) * 101 + n) % (accounts - 1))) % accounts
    return { id: crypto.randomUUID(), payer: `account-${payer}`, payee: `account-${payee}`, amount: 1 + (n % 500) }
  }

  #send(commands: readonly PayCommand[]): void {
    const at = performance.now()
    for (const command of commands) this.#waiting.set(command.id, { ...command, at })
    this.#producer.send(commands.map((command) => this.#recordOf(command))).catch(fail)
  }

  #recordOf({ id, payer, payee, amount }: PayCommand): RecordToSend {
    return { topic: this.#job.topics.commands, key: payer, value: JSON.stringify({ id, payer, payee, amount }) }
  }

  async #checkState(): Promise<void> {
    await this.#balances.untilExpected()
    const last = this.#last.slice(0, repeated)
    this.#last = []
    await this.#producer.send(last.map(({ command }) => this.#recordOf(command)))
    const again = new Map(last.map(({ reply }) => [reply.id, reply]))
    const until = performance.now() + silenceTimeoutMs
    while (again.size > 0 && performance.now() < until) {
      for (const reply of await this.#poll()) {
        const first = again.get(reply.id)
        if (
          first === undefined ||
          !reply.replayed ||
          reply.status !== first.status ||
          reply.balance !== first.balance
        ) {
          throw new Error(`${reply.id} was answered otherwise than before: ${JSON.stringify(reply)}`)
        }
        again.delete(reply.id)
      }
    }
    if (again.size > 0) throw new Error(`${again.size} commands that were sent again are not answered`)
    await this.#balances.untilExpected()
  }

  /** @throws Error if a reply comes when all commands are answered: one was answered twice */
  async #checkSilence(): Promise<void> {
    const [reply] = await this.#poll(250)
    if (reply !== undefined) throw new Error(`${reply.id} was answered twice`)
  }
}

async function open(job: MoneyOpen): Promise<Load> {
  const cluster = openCluster({ brokers: job.brokers, clientId: 'bench-load' })
  await cluster.ready()
  const replies = openReader(cluster, { lent: true })
  replies.assign(await endsOf(cluster, job.topics))
  const balances = new Balances(cluster, job.topics.balances)
  return new Load(job, { producer: openProducer(cluster), replies, balances })
}

function endsOf(cluster: Cluster, { replies }: MoneyTopics) {
  const partitions = Array.from({ length: partitionCount }, (_, partition) => ({ topic: replies, partition }))
  return openAdmin(cluster).listOffsets(partitions, 'latest')
}

function tell(message: object): void {
  process.send?.(message)
}

function fail(error: unknown): never {
  console.error(error)
  process.exit(1)
}
