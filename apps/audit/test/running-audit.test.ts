/** The running audit finds what the whole audit finds, in what is new since it began. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, createBroker } from '@streampay/broker'
import { type Books, type Entry, headerNames, topicNames } from '@streampay/domain'
import { type Cluster, openAdmin, openCluster } from '@streampay/kafka'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { UndecidableError } from '../src/errors.ts'
import { RunningAudit } from '../src/running/running-audit.ts'
import { createTopics, type LedgerLog, makeLedgerLog, writeLedgerLog } from './support/ledger-log.ts'
import { remove, take, violations } from './support/violations.ts'

let broker: Broker
let cluster: Cluster
/** The clock of the clients is later than the machine's, by this much more each time that it is read. */
let stepMs = 0
let laterMs = 0
const clock = {
  now: Date.now,
  elapsed() {
    laterMs += stepMs
    return performance.now() + laterMs
  },
}

beforeEach(() => begin(createBroker()))
afterEach(end)

async function begin(starting: Promise<Broker>): Promise<void> {
  broker = await starting
  cluster = openCluster({ brokers: [broker.brokers], clientId: 'test', clock })
  await createTopics(cluster)
}

async function end(): Promise<void> {
  await cluster.close()
  await broker.close()
}

/** The findings on a log that is written after the audit has begun. */
async function booksOf(log: LedgerLog): Promise<Books> {
  const audit = await RunningAudit.begin(cluster, Date.now)
  expect((await audit.look()).transfers).toBe(0)
  await writeLedgerLog(cluster, log)
  return audit.look()
}

describe('a running audit', () => {
  it('judges each transfer and each closed request once, and finds nothing on a correct log', async () => {
    const log = makeLedgerLog()
    const books = await booksOf(log)
    expect(books.findings).toEqual([])
    const payments = new Set(
      take(log, topicNames.transactions, ({ kind }: Entry) => kind !== 'opening').map(
        ({ value }) => (value as Entry).transferId,
      ),
    )
    expect(books).toMatchObject({
      isCaughtUp: true,
      transfers: payments.size,
      requests: 6,
      open: 0,
      waiting: 0,
      lost: 0,
      doubled: 0,
    })
    expect(Object.values(books.violations)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it.each(violations.filter(({ isFoundByWholeAuditAlone = false }) => !isFoundByWholeAuditAlone))(
    'finds that $name',
    async ({ invariant, alter }) => {
      const log = makeLedgerLog()
      const named = alter(log)
      const books = await booksOf(log)
      const messages = books.findings.filter((finding) => finding.invariant === invariant).map(({ message }) => message)
      expect(messages.join('\n')).toContain(named)
    },
  )

  it('does not judge records from before it began', async () => {
    const log = makeLedgerLog()
    for (const { alter } of violations.slice(0, 2)) alter(log)
    await writeLedgerLog(cluster, log)
    const audit = await RunningAudit.begin(cluster, Date.now)
    const books = await audit.look()
    expect([books.findings, books.transfers]).toEqual([[], 0])
  })

  it('leaves out what an operator sets aside after it began', async () => {
    const log = makeLedgerLog()
    const entries = log.get(topicNames.transactions) ?? []
    const offset = entries.filter(({ partition }) => partition === 2).length
    entries.push({ partition: 2, key: 'x', value: { hello: 'world' }, headers: {} })
    const note = { topic: topicNames.transactions, partition: 2, offset, lastOffset: offset, reason: 'no entry', at: 1 }
    log.set(topicNames.setAside, [{ partition: 0, key: `transactions/2/${offset}`, value: note, headers: {} }])
    const books = await booksOf(log)
    expect(books.findings).toEqual([])
    expect(books.transfers).toBeGreaterThan(20)
  })

  it('begins only once every topic is there that it reads', async () => {
    await openAdmin(cluster).deleteTopics([topicNames.statements])
    await expect(RunningAudit.begin(cluster, Date.now)).rejects.toThrow(UndecidableError)
  })

  it('finds a command that was processed and never answered', async () => {
    const log = makeLedgerLog()
    const [reply] = take(log, topicNames.replies, (value: { transferId?: string }) => value.transferId !== undefined)
    remove(log, topicNames.replies, reply)
    const books = await booksOf(log)
    expect(books.lost).toBe(1)
    expect(books.findings).toMatchObject([
      { invariant: 'INV-3', message: `command ${reply.key} was processed and has no reply` },
    ])
  })

  it('finds an intent that was carried out twice', async () => {
    const log = makeLedgerLog()
    const commands = log.get(topicNames.commands) ?? []
    const [first, second] = commands.filter(({ headers }) => headers[headerNames.identity] === 'ada')
    if (first === undefined || second === undefined) throw new Error('ada sends two commands')
    const key = first.headers[headerNames.idempotencyKey] ?? ''
    log.set(
      topicNames.commands,
      commands.map((command) =>
        command === second
          ? { ...command, headers: { ...command.headers, [headerNames.idempotencyKey]: key } }
          : command,
      ),
    )
    const books = await booksOf(log)
    expect(books.doubled).toBe(1)
    expect(books.violations['INV-3']).toBe(1)
  })

  it('continues from where a failed look began', async () => {
    // A log in memory ends with its broker.
    await end()
    const dataDir = await mkdtemp(join(tmpdir(), 'streampay-books-'))
    onTestFinished(() => rm(dataDir, { recursive: true }))
    await begin(createBroker({ dataDir }))
    const audit = await RunningAudit.begin(cluster, Date.now)
    await writeLedgerLog(cluster, makeLedgerLog())
    await broker.close()
    // A client tries for half a minute, which is over at once on this clock.
    stepMs = 5_000
    const look = audit.look()
    await expect(look).rejects.toThrow()
    stepMs = 0
    broker = await createBroker({ dataDir, port: broker.port })
    const books = await audit.look()
    expect(books.findings).toEqual([])
    expect(books.transfers).toBeGreaterThan(20)
  }, 60_000)
})
