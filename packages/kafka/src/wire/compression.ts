/**
 * The compressions of record batches. Snappy is framed as Java's snappy-java does (plain Snappy is read as well),
 * LZ4 and Zstandard are their standard frames.
 *
 * What unpacks to more than `MAX_UNPACKED_BYTES` is refused where the format tells in time (gzip, zstd, snappy); an
 * LZ4 block can grow by 255 times at most, which the size of its batch bounds.
 */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import snappy from 'snappy'
import { MalformedError } from './malformed.ts'
import { Reader } from './reader.ts'

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof compressions)[number]

const MAX_UNPACKED_BYTES = 256 * 1024 * 1024
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const XERIAL_BLOCK_BYTES = 32 * 1024

export function compress(compression: Compression, data: Buffer): Buffer {
  switch (compression) {
    case 'none':
      return data
    case 'gzip':
      return gzipSync(data)
    case 'snappy':
      return compressXerial(data)
    case 'lz4':
      return compressFrameSync(data)
    case 'zstd':
      return zstdCompressSync(data)
  }
}

/** @throws MalformedError for data that its format can't explain or that unpacks to too much */
export function decompress(compression: Compression, data: Buffer): Buffer {
  try {
    switch (compression) {
      case 'none':
        return data
      case 'gzip':
        return gunzipSync(data, { maxOutputLength: MAX_UNPACKED_BYTES })
      case 'snappy':
        return decompressSnappy(data)
      case 'lz4':
        return decompressFrameSync(data)
      case 'zstd':
        return zstdDecompressSync(data, { maxOutputLength: MAX_UNPACKED_BYTES })
    }
  } catch (error) {
    if (error instanceof MalformedError) throw error
    throw new MalformedError(`the ${compression} data of a record batch can't be unpacked`, { cause: error })
  }
}

function compressXerial(data: Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER]
  for (let at = 0; at < data.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappy.compressSync(data.subarray(at, at + XERIAL_BLOCK_BYTES))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

function decompressSnappy(data: Buffer): Buffer {
  if (!data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return decompressBlock(data)
  const reader = new Reader(data, XERIAL_HEADER.length)
  const parts: Buffer[] = []
  let total = 0
  while (reader.position < reader.end) {
    const part = decompressBlock(reader.bytes())
    total += part.length
    if (total > MAX_UNPACKED_BYTES)
      throw new MalformedError(`snappy data unpacks to more than ${MAX_UNPACKED_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** A Snappy block begins with the length of what is inside. */
function decompressBlock(block: Buffer): Buffer {
  const unpacked = new Reader(block).uvarint()
  if (unpacked > MAX_UNPACKED_BYTES) throw new MalformedError(`snappy data unpacks to ${unpacked} bytes`)
  return Buffer.from(snappy.uncompressSync(block) as Buffer)
}
