/** Another person at StreamPay, who uses the HTTP API: to ask the person in the browser for money, and to check from outside. */
import { setTimeout as pause } from 'node:timers/promises'
import type { BankClient } from '../../support/bank-client.ts'
import { newIntent } from '../../support/intent.ts'

export type Entry = {
  readonly transferId: string
  readonly amount: number
  readonly counterparty: string
  readonly notes?: string
  readonly requestId?: string
}

export type PaymentRequest = {
  readonly id: string
  readonly requester: string
  readonly debtor: string
  readonly amount: number
  readonly status: string
}

export type User = { readonly id: string; readonly name: string; readonly username: string }

const settleTimeoutMs = 20_000

export class Friend {
  readonly id: string
  readonly name: string
  readonly #bank: BankClient

  constructor(bank: BankClient, person: { readonly id: string; readonly name: string }) {
    this.#bank = bank
    this.id = person.id
    this.name = person.name
  }

  /** Opens the account; before that, others can neither pay this person nor ask for money. */
  async register(): Promise<void> {
    await this.#command('PUT', '/current-user', { name: this.name, username: this.id })
  }

  /** @returns the transfer's id */
  async pay(userId: string, amount: number, notes: string): Promise<string> {
    const reply = (await this.#command('POST', '/pay', { userId, amount, notes })) as { transferId: string }
    return reply.transferId
  }

  /** @returns the request's id */
  async ask(userId: string, amount: number, notes: string): Promise<string> {
    const reply = (await this.#command('POST', '/request', { userId, amount, notes })) as { id: string }
    return reply.id
  }

  async remind(requestId: string): Promise<void> {
    await this.#command('POST', `/payment-requests/${requestId}/remind`, {})
  }

  entries(): Promise<readonly Entry[]> {
    return this.read<{ items: Entry[] }>('/transactions?limit=1000').then(({ items }) => items)
  }

  /** The matching ones, as soon as there are any: a credit comes a moment after the payer's receipt. */
  async entriesThat(fits: (entry: Entry) => boolean): Promise<readonly Entry[]> {
    for (const until = performance.now() + settleTimeoutMs; ; await pause(50)) {
      const found = (await this.entries()).filter(fits)
      if (found.length > 0 || performance.now() > until) return found
    }
  }

  /** A view as JSON; throws unless it is answered with 200. */
  async read<Shape>(path: string): Promise<Shape> {
    const { status, body } = await this.#bank.get(this.id, path)
    if (status !== 200) throw new Error(`GET ${path} as ${this.id}: ${status} ${JSON.stringify(body)}`)
    return body as Shape
  }

  async #command(method: string, path: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    const intent = newIntent({ identity: this.id, method, path, body })
    const answer = await this.#bank.settle(intent, { timeoutMs: settleTimeoutMs })
    if (answer.status >= 300) throw new Error(`${path} of ${this.id}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
}
