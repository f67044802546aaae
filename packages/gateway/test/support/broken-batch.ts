/** Changes a batch on disk, behind the broker's back, so that nobody can decode it. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RecordMetadata } from '@streampay/kafka'

const magicAt = 16
const headerBytes = 61
const lengthAt = 8
/** Of the fields before what the length counts. */
const overheadBytes = 12

/** @throws Error if no batch begins at the offset of the record */
export async function breakBatch(
  log: { readonly dataDir: string },
  record: Pick<RecordMetadata, 'topic' | 'partition' | 'offset'>,
): Promise<void> {
  const topics = join(log.dataDir, 'topics')
  const folder = (await readdir(topics)).find((name) => name.startsWith(`${record.topic}.`)) ?? ''
  const partition = join(topics, folder, String(record.partition))
  for (const segment of (await readdir(partition)).filter((name) => name.endsWith('.log'))) {
    const file = await open(join(partition, segment), 'r+')
    try {
      const { size } = await file.stat()
      const header = Buffer.alloc(headerBytes)
      for (let at = 0; at + headerBytes <= size; at += header.readInt32BE(lengthAt) + overheadBytes) {
        await file.read(header, 0, headerBytes, at)
        if (header.readInt8(magicAt) !== 2) break
        if (Number(header.readBigInt64BE(0)) !== record.offset) continue
        // The checksum no longer fits.
        await file.write(Buffer.from('broken'), 0, 6, at + headerBytes)
        return
      }
    } finally {
      await file.close()
    }
  }
  throw new Error(`no batch of ${record.topic}-${record.partition} begins at ${record.offset}`)
}
