/** Random commands, duplicates, malformed records, aborted batches and restarts over four tasks: every invariant holds after them. */
import {
  type Activity,
  type Balance,
  type BalanceHistory,
  type DomainModel,
  type Entry,
  headerNames,
  meanOf,
  type PaymentRequest,
  type PayReply,
  topicNames,
  treasuryId,
} from '@streampay/domain'
import { openTestDriver } from '@streampay/streams/test-driver'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { statisticsTopology } from '../src/index.ts'
import { type CommandOptions, PaymentsWorld, userRecord } from './support/payments-world.ts'

/** One person in each of the four partitions, two of them in the same one; `zoe` is never in the directory. */
const people = ['ann', 'bea', 'cleo', 'dan', 'bob', 'zoe']
const models: DomainModel[] = ['PayCommand', 'RequestCommand', 'DeclineCommand', 'CancelCommand']

const commands = fc.record({
  model: fc.constantFrom(...models),
  by: fc.constantFrom(...people, ...people, treasuryId),
  to: fc.constantFrom(...people, 'nobody', treasuryId),
  // Large in comparison to the grant of 50,000, so that accounts become empty; sometimes malformed.
  amount: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 40_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -5, 0.005, 1e12, '7') },
  ),
  /** Few keys, so that intents are repeated and conflict. */
  key: fc.integer({ min: 0, max: 25 }),
  /** One of the requests made so far, if the command names one. */
  request: fc.option(fc.nat({ max: 50 }), { nil: undefined }),
  /** Takes recipient and amount from the request, so that settling often succeeds. */
  asRequested: fc.boolean(),
  broken: fc.constantFrom(...Array.from({ length: 20 }, () => 'no' as const), 'json', 'partition', 'key'),
})

const steps = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      commands: fc.array(commands, { minLength: 1, maxLength: 12 }),
      abort: fc.boolean(),
      settle: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('register' as const), who: fc.constantFrom(...people.slice(0, 5)) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)

type Command = typeof commands extends fc.Arbitrary<infer C> ? C : never

function piped(world: PaymentsWorld, command: Command) {
  const { model, by, to, amount, key, request, asRequested, broken } = command
  const open = world.driver.records(topicNames.paymentRequests).map((record) => record.json as PaymentRequest)
  const named = request === undefined || open.length === 0 ? undefined : open[request % open.length]
  const options: CommandOptions = { key: `k${key}`, ...(named === undefined ? {} : { requestId: named.id }) }
  const requestId = named?.id ?? 'r9-9'
  const body =
    model === 'PayCommand'
      ? asRequested && named !== undefined
        ? { userId: named.requester, amount: named.amount, requestId }
        : { userId: to, amount, ...(named === undefined ? {} : { requestId }) }
      : model === 'RequestCommand'
        ? { userId: to, amount }
        : {}
  // Half of the answers to a request are from a person who may answer it.
  const identity =
    asRequested && named !== undefined
      ? model === 'CancelCommand'
        ? named.requester
        : model === 'RequestCommand'
          ? by
          : named.debtor
      : by
  const closing = model === 'DeclineCommand' || model === 'CancelCommand'
  switch (broken) {
    case 'no':
      return world.command(model, identity, body, closing ? { ...options, requestId } : { key: `k${key}` })
    case 'json':
      return world.command(model, identity, '{"userId":', options)
    case 'partition':
      return world.command(model, identity, body, { ...options, partition: (world.driver.taskOf(identity) + 1) % 4 })
    case 'key':
      return world.command(model, identity, body, { ...options, recordKey: people.find((id) => id !== identity) ?? '' })
  }
}

const valuesOf = <T>(world: PaymentsWorld, topic: string) =>
  world.driver.records(topic).map((record) => record.json as T)

function checkLedger(world: PaymentsWorld, together: boolean): void {
  const entries = valuesOf<Entry>(world, topicNames.transactions)
  const transfers = Map.groupBy(entries, (entry) => entry.transferId)
  for (const [transferId, sides] of transfers) {
    expect([transferId, sides.length, sides.reduce((sum, entry) => sum + entry.amount, 0)]).toEqual([transferId, 2, 0])
    const isReached = together || new Set(sides.map(({ account }) => world.driver.taskOf(account))).size === 1
    expect(sides.map((side) => side.applied).sort()).toEqual([isReached ? 'writer' : 'reader', 'writer'])
  }
  const rows = Map.groupBy(valuesOf<BalanceHistory>(world, topicNames.balanceHistories), (row) => row.account)
  const balances = new Map<string, Balance>()
  for (const record of world.driver.records(topicNames.balances)) balances.set(record.key ?? '', record.json as Balance)
  let sum = 0
  for (const [account, entriesOfAccount] of Map.groupBy(entries, (entry) => entry.account)) {
    const history = rows.get(account) ?? []
    let balance = 0
    for (const [index, row] of history.entries()) {
      balance += row.amount
      expect(row).toMatchObject({ sequence: index + 1, balance })
      if (account !== treasuryId) expect(balance).toBeGreaterThanOrEqual(0)
    }
    expect(history.map((row) => `${row.transferId} ${row.amount}`).sort()).toEqual(
      entriesOfAccount.map((entry) => `${entry.transferId} ${entry.amount}`).sort(),
    )
    expect(balances.get(account)).toMatchObject({ balance, sequence: history.length })
    expect(entriesOfAccount.filter((entry) => entry.kind === 'opening' && entry.amount > 0)).toHaveLength(
      account === treasuryId ? 0 : 1,
    )
    sum += balance
  }
  expect(sum).toBe(0)
}

function checkRequests(world: PaymentsWorld): void {
  const entries = valuesOf<Entry>(world, topicNames.transactions).filter(
    (entry) => entry.requestId !== undefined && entry.amount < 0,
  )
  const settlements = Map.groupBy(entries, (entry) => entry.requestId)
  for (const [id, versions] of Map.groupBy(
    valuesOf<PaymentRequest>(world, topicNames.paymentRequests),
    (request) => request.id,
  )) {
    const last = versions.at(-1)
    expect(versions[0]?.status).toBe('open')
    expect(versions.length).toBe(last?.status === 'open' ? 1 : 2)
    const paid = settlements.get(id) ?? []
    expect(
      paid.map(({ account, counterparty, amount, transferId }) => ({ account, counterparty, amount, transferId })),
    ).toEqual(
      last?.status !== 'paid'
        ? []
        : [{ account: last.debtor, counterparty: last.requester, amount: -last.amount, transferId: last.transferId }],
    )
    settlements.delete(id)
  }
  expect(settlements.size).toBe(0)
}

function checkReplies(world: PaymentsWorld): void {
  const replies = world.driver.records(topicNames.replies)
  const correlations = replies.map((reply) => reply.headers[headerNames.correlationId])
  expect(new Set(correlations).size).toBe(replies.length)
  expect(correlations.length).toBe(world.driver.records(topicNames.commands).length)
  const firstPaid = replies.filter(
    (reply) => reply.headers[headerNames.replayed] === undefined && 'transferId' in (reply.json as object),
  )
  const transfers = new Set(
    valuesOf<Entry>(world, topicNames.transactions)
      .filter((entry) => entry.kind !== 'opening')
      .map((entry) => entry.transferId),
  )
  expect(firstPaid.map((reply) => (reply.json as PayReply).transferId).sort()).toEqual([...transfers].sort())
  // One effect for each intent: by identity and key, all successes are equal.
  const successes = replies.filter((reply) => Number(reply.headers[headerNames.status]) < 300)
  for (const [intent, same] of Map.groupBy(
    successes,
    (reply) => `${reply.headers[headerNames.replyIdentity]} ${reply.headers[headerNames.idempotencyKey]}`,
  )) {
    expect([intent, new Set(same.map((reply) => JSON.stringify(reply.json))).size]).toEqual([intent, 1])
  }
}

function checkStatistics(world: PaymentsWorld): void {
  const statistics = openTestDriver(statisticsTopology(), { partitionCount: 4 })
  for (const topic of [topicNames.transactions, topicNames.paymentRequests]) {
    statistics.pipe(world.driver.records(topic).map(({ key, value, partition }) => ({ topic, key, value, partition })))
  }
  statistics.settle()
  const payments = valuesOf<Entry>(world, topicNames.transactions).filter(
    (entry) => entry.kind === 'payment' && entry.amount < 0,
  )
  const totals = { count: payments.length, volume: payments.reduce((sum, entry) => sum - entry.amount, 0) }
  const last = (topic: string) => statistics.records(topic).at(-1)?.json
  if (payments.length > 0) {
    expect(last(topicNames.totalTransactions)).toEqual(totals)
    expect(last(topicNames.averageTransactions)).toEqual({ count: totals.count, mean: meanOf(totals) })
  }
  const events = statistics.records(topicNames.activities).map((record) => record.json as Activity)
  const expected = payments.map((entry) => `payment ${entry.transferId}`)
  for (const { id, status } of valuesOf<PaymentRequest>(world, topicNames.paymentRequests)) {
    if (status === 'open') expected.push(`request ${id}`)
    if (status === 'declined') expected.push(`decline ${id}`)
    if (status === 'cancelled') expected.push(`cancel ${id}`)
  }
  expect(events.map(({ type, id }) => `${type} ${id}`).sort()).toEqual(expected.sort())
}

describe('random commands over several tasks', () => {
  it.each([
    ['each in a process of its own', false],
    ['all in one process', true],
  ])(
    'keep INV-1 to INV-5 and INV-7, %s',
    (_, together) => {
      let statuses = new Map<string, number>()
      fc.assert(
        fc.property(fc.array(steps, { minLength: 1, maxLength: 25 }), (plan) => {
          const world = new PaymentsWorld({ together })
          world.driver.pipe(['ann', 'bea', 'cleo'].map(userRecord))
          for (const step of plan) {
            world.driver.now += 1000
            if (step.kind === 'restart') world.driver.restart()
            if (step.kind === 'register') world.driver.pipe(userRecord(step.who))
            if (step.kind !== 'batch') continue
            world.driver.pipe(
              step.commands.map((command) => piped(world, command)),
              { abort: step.abort },
            )
            if (step.settle) world.driver.settle()
          }
          world.driver.settle()
          checkLedger(world, together)
          checkRequests(world)
          checkReplies(world)
          checkStatistics(world)
          for (const { headers } of world.driver.records(topicNames.replies)) {
            const status = headers[headerNames.status] ?? ''
            statuses = statuses.set(status, (statuses.get(status) ?? 0) + 1)
          }
        }),
        { numRuns: 40 },
      )
      // The plans are useful only if they lead to every kind of answer.
      expect([...statuses.keys()].sort()).toEqual(['200', '201', '400', '403', '404', '409', '422'])
    },
    60_000,
  )
})
