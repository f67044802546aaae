import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Broker, createBroker } from '@streampay/broker'
import { topicNames } from '@streampay/domain'
import { openAdmin, openCluster } from '@streampay/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { auditResult } from '../src/audit-result.ts'
import type { Finding } from '../src/cut.ts'
import { LogSource } from '../src/log-source.ts'
import { readLogCut } from '../src/read-cut.ts'
import { verify } from '../src/verify.ts'
import { type LedgerLog, makeLedgerLog, writeLedgerLog } from './support/ledger-log.ts'
import { violations } from './support/violations.ts'

const { transactions } = topicNames

describe('npm run audit', () => {
  let dataDir: string
  let broker: Broker

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'streampay-audit-'))
    broker = await createBroker()
  })
  afterEach(async () => {
    await broker.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  it('ends 0 on a log whose invariants hold, and leaves nothing behind', async () => {
    await write(makeLedgerLog())
    const { code, output } = await runAudit()
    expect(output).toContain('INV-1 holds')
    expect(output).not.toContain('VIOLATED')
    expect(code).toBe(0)
    expect((await readdir(dataDir)).filter((name) => name.includes('audit'))).toEqual([])
  })

  it('ends 1 on a log that violates one', async () => {
    const log = makeLedgerLog()
    const named = violations[0]?.alter(log)
    await write(log)
    const { code, output } = await runAudit()
    expect(output).toContain(named)
    expect(code).toBe(1)
  })

  it('says why when the folder for its files cannot be written', async () => {
    await write(makeLedgerLog())
    const { code, output } = await runAudit(broker.port, join(dataDir, 'nowhere'))
    expect(output).toContain('unreadable: ENOENT')
    expect(code).toBe(3)
  })

  for (const { name, invariant, alter } of violations) {
    it(`ends 1 and names the record when ${name}`, async () => {
      const log = makeLedgerLog()
      const named = alter(log)
      const { code, output } = await auditOf(log)
      const findings = output.split('\n').filter((line) => line.startsWith(`${invariant}: `))
      expect(findings.join('\n')).toContain(named)
      expect(findings.join('\n')).toMatch(/\[[a-z-]+-\d@\d+/)
      expect(code).toBe(1)
    })
  }

  it('ends 2 and names the topic when the start of the ledger was removed', async () => {
    const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' })
    await writeLedgerLog(cluster, makeLedgerLog())
    await cluster.close()
    const admin = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    // kafkajs deletes only in topics whose metadata it has seen.
    await admin.fetchTopicOffsets(transactions)
    await admin.deleteTopicRecords({ topic: transactions, partitions: [{ partition: 1, offset: '1' }] })
    await admin.disconnect()
    const { code, output } = await runAudit()
    expect(output).toContain('undecidable: transactions-1 no longer starts at offset 0')
    expect(code).toBe(2)
  })

  it('ends 0 when statistics have deleted the parts that they added', async () => {
    const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' })
    await writeLedgerLog(cluster, makeLedgerLog())
    const admin = openAdmin(cluster)
    const partitions = [0, 1, 2, 3].map((partition) => ({ topic: topicNames.totalsRepartition, partition }))
    const ends = await admin.listOffsets(partitions, 'latest')
    expect(Math.max(...ends.map(({ offset }) => offset))).toBeGreaterThan(0)
    await admin.deleteRecords(ends.map(({ offset, ...at }) => ({ ...at, beforeOffset: offset })))
    await cluster.close()
    const { code, output } = await runAudit()
    expect(output).toContain('INV-7 holds')
    expect(code).toBe(0)
  })

  // An audit of ten million payments takes longer than retention keeps segments of replies.
  it('continues after replies and activities that retention removes meanwhile, but not after other gaps', async () => {
    const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' })
    await writeLedgerLog(cluster, makeLedgerLog())
    const source = new LogSource(cluster)
    const admin = openAdmin(cluster)
    for (const topic of [topicNames.replies, topicNames.activities, transactions]) {
      const starts = await source.starts(topic)
      const ends = await source.ends(topic, 'read_uncommitted')
      const partition = ends.findIndex((end) => end > 1)
      await admin.deleteRecords([{ topic, partition, beforeOffset: 1 }])
      const read = async () => {
        const places: string[] = []
        for await (const records of source.read(topic, starts)) {
          for (const { partition: at, offset } of records) places.push(`${at}@${offset}`)
        }
        return places
      }
      if (topic === transactions) await expect(read()).rejects.toThrow('offsets 0 to 0 are gone')
      else {
        const places = await read()
        expect(places).toContain(`${partition}@1`)
        expect(places).not.toContain(`${partition}@0`)
      }
    }
    await cluster.close()
  })

  it('ends 0 when retention has removed all activities and replies, as after a month without a payment', async () => {
    const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' })
    await writeLedgerLog(cluster, makeLedgerLog())
    const admin = openAdmin(cluster)
    const partitions = [topicNames.replies, topicNames.activities].flatMap((topic) =>
      [0, 1, 2, 3].map((partition) => ({ topic, partition })),
    )
    const ends = await admin.listOffsets(partitions, 'latest')
    await admin.deleteRecords(ends.map(({ offset, ...at }) => ({ ...at, beforeOffset: offset })))
    await cluster.close()
    const { code, output } = await runAudit()
    expect(output).toContain('INV-7 holds')
    expect(code).toBe(0)
  })

  it('ends 3 when the ledger holds a record that is not an entry', async () => {
    const log = makeLedgerLog()
    log.get(transactions)?.push({ partition: 2, key: 'x', value: { hello: 'world' }, headers: {} })
    const { code, output } = await auditOf(log)
    expect(output).toMatch(/unreadable: transactions-2@\d+ is not a transactions record/)
    expect(code).toBe(3)
  })

  it('leaves out what an operator has set aside, says so, and still names what is missing with it', async () => {
    const log = makeLedgerLog()
    const at = (log.get(transactions) ?? []).filter(({ partition }) => partition === 2).length
    log.get(transactions)?.push({ partition: 2, key: 'x', value: { hello: 'world' }, headers: {} })
    const note = (offset: number) => {
      const value = { topic: transactions, partition: 2, offset, lastOffset: offset, reason: 'no entry', at: 1 }
      return { partition: 0, key: `${transactions}/2/${offset}`, value, headers: {} }
    }
    log.set(topicNames.setAside, [note(at)])
    const repaired = await auditOf(log)
    expect(repaired.output).toContain(`set aside by an operator, and not counted: transactions-2@${at} (no entry)`)
    expect(repaired.output).not.toContain('VIOLATED')
    expect(repaired.code).toBe(0)
  })

  it('ends 1 when what was set aside was an entry: the transfer lacks it', async () => {
    const log = makeLedgerLog()
    const value = { topic: transactions, partition: 0, offset: 0, lastOffset: 0, reason: 'a mistake', at: 1 }
    log.set(topicNames.setAside, [{ partition: 0, key: `${transactions}/0/0`, value, headers: {} }])
    const { code, output } = await auditOf(log)
    expect(output).toContain('set aside by an operator, and not counted: transactions-0@0 (a mistake)')
    expect(output).toContain('INV-1 VIOLATED')
    expect(code).toBe(1)
  })

  it.each([
    ['ends 3 when a note of what is set aside cannot be read', [{ hello: 'world' }], 3, 'unreadable: set-aside-0@0'],
    ['passes over such a note that was taken back', [{ hello: 'world' }, null], 0, 'INV-1 holds'],
  ])('%s', async (_what, values, code, words) => {
    const log = makeLedgerLog()
    const notes = values.map((value) => ({ partition: 0, key: 'a slip', value, headers: {} }))
    log.set(topicNames.setAside, notes)
    expect(await auditOf(log)).toMatchObject({ code, output: expect.stringContaining(words) })
  })

  it('ends 3 when there is no log', async () => {
    const { port } = broker
    await broker.close()
    const { code, output } = await runAudit(port)
    expect(output).toContain('unreadable: ')
    expect(code).toBe(3)
    broker = await createBroker()
  })

  /** The output and exit code of the command, without the second that starting a process takes. */
  async function auditOf(log: LedgerLog): Promise<{ code: number; output: string }> {
    await write(log)
    const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test-audit' })
    try {
      // Buckets so small that groups would be split if they were sorted wrongly.
      const { code, text } = await auditResult(cluster, { scratch: dataDir, nowMs: Date.now, bucketRecords: 5 })
      if (code <= 1) {
        const inMemory = verify(await readLogCut(cluster, { nowMs: Date.now })).map(lineOf)
        expect(
          text
            .split('\n')
            .filter((line) => /^INV-\d: /.test(line))
            .sort(),
        ).toEqual(inMemory.sort())
      }
      return { code, output: text }
    } finally {
      await cluster.close()
    }
  }

  async function write(log: LedgerLog): Promise<void> {
    const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' })
    await writeLedgerLog(cluster, log)
    expect((await openAdmin(cluster).listTopics()).length).toBeGreaterThan(0)
    await cluster.close()
  }

  function runAudit(port = broker.port, scratch = dataDir): Promise<{ code: number | null; output: string }> {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [main, '--brokers', `127.0.0.1:${port}`, '--scratch', scratch], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, output }))
    })
  }
})

function lineOf({ invariant, message, record }: Finding): string {
  return `${invariant}: ${message}${record === undefined ? '' : ` [${record}]`}`
}
