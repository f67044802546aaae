/**
 * More commands than the service behind the log can do, over real HTTPS. The test's service is slow by nature: it answers one
 * command after another, each with a write of its own.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { Answer } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const people = Array.from({ length: 100 }, (_, n) => `person-${n}`)
const partitions = 4
const mostAllowed = 32
const definition = testGateway({
  requestsOfConnection: 2_000,
  replyTimeoutMs: 6_000,
  commandsInFlightAtFirst: mostAllowed,
  replyTargetMs: 50,
  replySilenceMs: 400,
})
let surroundings: Surroundings
let gateway: TestGateway
let tokens: string[]

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  gateway = await openTestGateway(definition, surroundings)
  tokens = await Promise.all(people.map((person) => surroundings.issuer.token(person, 'write read')))
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

const ask = (person: number, headers: Record<string, string> = {}) =>
  gateway.http2.call('/do', { token: tokens[person % people.length], body: { what: 'x' }, headers })

const askAll = (count: number, headers: Record<string, string> = {}) =>
  Promise.all(Array.from({ length: count }, (_, n) => ask(n, headers)))

function countOf(answers: readonly Answer[], ...statuses: number[]): number {
  return answers.filter(({ status }) => statuses.includes(status)).length
}

async function metric(name: string): Promise<number[]> {
  const text = await gateway.metrics()
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .map((line) => Number(line.split(' ').at(-1)))
}

it('lets in what can be answered soon, refuses the rest with Retry-After, and is then as before', async () => {
  surroundings.replier.answering = () => ({ status: 200, body: { done: true } })
  const rounds: Answer[][] = []
  for (let round = 0; round < 4; round++) rounds.push(await askAll(300))
  const answers = rounds.flat()
  expect(countOf(answers, 200, 429, 503)).toBe(1_200)
  const refused = answers.filter(({ status }) => status !== 200)
  expect(refused.length).toBeGreaterThan(0)
  for (const { headers } of refused) {
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(10)
    expect(headers['idempotency-key']).toBeDefined()
  }
  expect(countOf(rounds[0] ?? [], 200)).toBeGreaterThan(0)
  const told = await metric('gateway_commands_refused_total{')
  expect(told.reduce((sum, count) => sum + count, 0)).toBe(refused.length)
  // None of what was refused is on the log.
  expect(surroundings.replier.commands).toHaveLength(countOf(answers, 200))

  expect(await metric('gateway_commands_in_flight')).toEqual([0])
  for (let n = 0; n < 50; n++) expect((await ask(n)).status).toBe(200)
}, 60_000)

it('lets a few wait when no service answers, and opens by itself when one does', async () => {
  surroundings.replier.answering = () => undefined
  const shortly = { prefer: 'wait=0' }
  await expect.poll(async () => countOf(await askAll(100, shortly), 429, 503), { timeout: 10_000 }).toBe(100)
  const before = surroundings.replier.commands.length
  const answers = await askAll(1_000)
  // Eight of each partition find out that nobody answers; the others are told at once.
  expect(countOf(answers, 504)).toBeLessThanOrEqual(8 * partitions)
  expect(countOf(answers, 429, 503, 504)).toBe(1_000)
  expect(surroundings.replier.commands.length - before).toBeLessThanOrEqual(8 * partitions)

  surroundings.replier.answering = () => ({ status: 200, body: { done: true } })
  await expect.poll(async () => countOf(await askAll(16), 200), { timeout: 10_000 }).toBe(16)
}, 60_000)

it('counts commands whose clients do not wait, since they take their turn like all others', async () => {
  surroundings.replier.answering = () => undefined
  const impatient = await askAll(1_000, { prefer: 'respond-async' })
  expect(countOf(impatient, 202)).toBeGreaterThan(0)
  expect(countOf(impatient, 202)).toBeLessThanOrEqual(mostAllowed * partitions)
  expect(await metric('gateway_commands_in_flight')).toEqual([countOf(impatient, 202)])
  await expect.poll(() => metric('gateway_commands_in_flight'), { timeout: 10_000 }).toEqual([0])
}, 60_000)
