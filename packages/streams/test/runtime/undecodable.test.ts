/**
 * A batch that can't be decoded, in the middle of a topic. A broker that accepts only what a consumer can read never has one; older logs
 * and other brokers may, so the test changes the bytes on the disk.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import { type Broker, startBroker } from '@streampay/broker'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readDeadLetter } from '../../src/index.ts'
import { Bank } from '../support/bank-on-log.ts'

let dataDir = ''
let broker: Broker
let bank: Bank

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'streams-'))
  broker = await startBroker({ dataDir, port: 0 })
  bank = await Bank.open([`${broker.host}:${broker.port}`])
})

afterEach(async () => {
  await bank.close()
  await broker.close()
  await rm(dataDir, { recursive: true, force: true })
})

/** Makes the value of the record that holds this text longer than its record, with a right checksum, and starts the broker again. */
async function poison(text: string): Promise<void> {
  const { port } = broker
  await broker.close()
  let found = 0
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.log')) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = await readFile(path)
    for (let at = 0; at + 61 <= bytes.length; at += bytes.readInt32BE(at + 8) + 12) {
      const batch = bytes.subarray(at, at + bytes.readInt32BE(at + 8) + 12)
      const place = batch.indexOf(text)
      if (place < 0) continue
      found++
      // The value's length stands before its first byte, "{".
      batch.writeUInt8(0x7e, batch.lastIndexOf('{', place) - 1)
      batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
    }
    await writeFile(path, bytes)
  }
  if (found !== 1) throw new Error(`${found} batches hold ${text}`)
  broker = await startBroker({ dataDir, port })
}

const order = (to: string) => bank.order({ from: 'ann', to, amount: 1 })

describe('a batch that cannot be decoded', () => {
  // One such batch on `commands` ended payments 20 times, and then the whole application.
  it('on a topic from outside becomes a dead letter once, and work continues behind it', async () => {
    for (const to of ['bob', 'poisoned', 'cid']) await order(to)
    await poison('poisoned')
    const first = bank.run()
    expect((await bank.replies(2)).map((reply) => reply.value?.toString())).toEqual(['paid', 'paid'])
    await first.close()
    // Its offset was committed with the letter: a second process finds nothing more to do.
    const second = bank.run()
    await order('dot')
    expect(await bank.replies(3)).toHaveLength(3)
    await second.close()
    const letters = await bank.deadLetters(1)
    expect(letters).toHaveLength(1)
    const [letter] = letters
    const told = letter === undefined ? undefined : readDeadLetter(letter)
    expect(told).toMatchObject({
      origin: { topic: bank.topic('commands'), offset: 1 },
      undecodable: { baseOffset: 1, lastOffset: 1 },
      truncatedFromBytes: undefined,
    })
    expect(told?.reason).toContain('bytes')
    expect(letter?.key).toBeNull()
    expect(letter?.value?.includes('poisoned')).toBe(true)
  })

  it('on the topic of a global table is skipped, and the rest of the table is read', async () => {
    await bank.write('owners', ['ann', '"x"'])
    await bank.write('owners', ['bob', '{"poisoned":1}'])
    await bank.write('owners', ['cid', '"y"'])
    await poison('poisoned')
    const running = bank.run()
    await running.ready
    await order('bob')
    expect(await bank.replies(1)).toHaveLength(1)
  })

  it('on a topic that the application alone writes stops the process, and names the batch', async () => {
    await bank.write('transfers', ['ann', '{"account":"ann","amount":1,"poisoned":1}'])
    await poison('poisoned')
    await expect(bank.run().done).rejects.toThrow(/transfers-\d: the batch of offsets 0 to 0 can not be read: /)
  })
})
