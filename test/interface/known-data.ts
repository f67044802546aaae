/** People, requests and payments, so that Schemathesis's requests name people who exist, and not only unknown ones. */
import { randomUUID } from 'node:crypto'
import { topicNames } from '@streampay/domain'
import type { BankClient } from '../support/bank-client.ts'
import { newIntent } from '../support/intent.ts'

/** Existing data, by the name that schemathesis.toml uses. */
export type KnownData = {
  readonly people: readonly string[]
  /** Open requests that the tester should pay. */
  readonly received: readonly string[]
  /** Open requests that the tester made. */
  readonly sent: readonly string[]
  /** `before` of pages of the tester's statement. */
  readonly pages: readonly string[]
  readonly views: readonly string[]
  /** In cents: an amount that the tester can pay. */
  readonly amounts: readonly number[]
  readonly topics: readonly string[]
  /** For new intents: Schemathesis would use the shortest keys again and again. */
  readonly keys: readonly string[]
  /** Of commands that were answered. */
  readonly correlationIds: readonly string[]
}

const people = ['bea', 'cal', 'dan']
/** Requests of each pair of people: well below the bound, so that more can be made. */
const requestsOfEach = 6
const timeoutMs = 30_000

export async function makeKnownData(bank: BankClient, tester: string): Promise<KnownData> {
  const post = async (identity: string, path: string, body: Readonly<Record<string, unknown>>) => {
    const told = await bank.settle(newIntent({ identity, method: 'POST', path, body }), { timeoutMs })
    if (told.status >= 300) throw new Error(`${path} of ${identity} was answered with ${told.status}`)
    return told.body as { readonly id?: string }
  }
  const request = async (identity: string, userId: string) => {
    const { id = '' } = await post(identity, '/request', { userId, amount: 1 })
    return id
  }
  for (const identity of [tester, ...people]) {
    const body = { name: `The ${identity}`, username: identity }
    await bank.settle(newIntent({ identity, method: 'PUT', path: '/current-user', body }), { timeoutMs })
  }
  const received: string[] = []
  const sent: string[] = []
  for (const person of people) {
    for (let n = 0; n < requestsOfEach; n++) {
      received.push(await request(person, tester))
      sent.push(await request(tester, person))
    }
    await post(tester, '/pay', { userId: person, amount: 1 })
  }
  for (const list of ['/blocked-people', '/favourite-people']) await post(tester, list, { userId: 'eve' })
  return {
    people,
    received,
    sent,
    pages: await pagesOf(bank, tester),
    views: viewsOf(received),
    amounts: [1, 2, 50],
    topics: Object.values(topicNames),
    keys: Array.from({ length: 1_000 }, () => randomUUID()),
    correlationIds: [await correlationIdOf(bank, tester)],
  }
}

async function correlationIdOf(bank: BankClient, tester: string): Promise<string> {
  const headers = {
    authorization: `Bearer ${await bank.token(tester)}`,
    'content-type': 'application/json',
    'idempotency-key': randomUUID(),
    prefer: 'respond-async',
  }
  const body = JSON.stringify({ userId: people[0], amount: 1 })
  const { headers: answered } = await bank.call({ method: 'POST', path: '/pay', headers, body })
  return String(answered.location).replace('/replies/', '')
}

async function pagesOf(bank: BankClient, tester: string): Promise<string[]> {
  const pages: string[] = []
  for (let query = 'limit=1'; ; query = `limit=1&before=${pages.at(-1)}`) {
    const { body } = await bank.get(tester, `/transactions?${query}`)
    const { before } = body as { readonly before: string | null }
    if (before === null) return pages
    pages.push(before)
  }
}

/** For `GET /live`, whose parameter is the path and query of a view. */
function viewsOf(requests: readonly string[]): string[] {
  const ids = people.map((id) => `id=${id}`).join('&')
  return [
    '/activities?last=5',
    '/payment-requests?status=open',
    '/sent-payment-requests',
    ...requests.slice(0, 2).map((id) => `/payment-requests/${id}`),
    '/blocked-people',
    '/favourite-people',
    '/current-balance',
    '/balance-histories?last=0',
    '/transactions?last=1000',
    '/statements',
    '/statement-people?month=2026-01',
    '/total-transactions',
    `/users?${ids}`,
    '/current-user',
    '/current-preferences',
  ]
}
