/**
 * The compressions of record batches. Snappy has the framing of Java's snappy-java (plain Snappy can be read as well),
 * LZ4 and Zstandard have their standard frames.
 *
 * No data is decompressed beyond a limit: gzip and Zstandard stop there, Snappy and LZ4 tell their size in advance.
 */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import snappy from 'snappy'
import { ByteReader } from './byte-reader.ts'
import { lz4UnpackedBytes } from './lz4-frame.ts'
import { MalformedError, OversizedError } from './malformed.ts'

/** Each at the index of its number in the attributes of a batch. */
export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** A compression of record batches, by its name in the producer setting `compression.type`. */
export type Compression = (typeof compressions)[number]

/** The limit for readers of a log, which must accept every batch that the log has accepted. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const XERIAL_BLOCK_BYTES = 32 * 1024
/** Up to this size data is decompressed at once; larger data is decompressed in pieces. */
const AT_ONCE_BYTES = 256 * 1024
/** One byte of Zstandard can stand for 32 KiB, so that the first piece is 2 MiB at most. */
const FIRST_INPUT_BYTES = 64
const GROWTH = 4

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

/** @throws MalformedError for data that does not follow its format, OversizedError if the result is larger than the limit */
export function decompress(compression: Compression, data: Buffer, maxBytes = MAX_UNPACKED_BYTES): Buffer {
  return explained(compression, maxBytes, () => {
    switch (compression) {
      case 'none':
        return data
      case 'gzip':
        return gunzipSync(data, { maxOutputLength: maxBytes })
      case 'snappy':
        return decompressSnappy(data, maxBytes)
      case 'lz4':
        lz4UnpackedBytes(data, maxBytes)
        return decompressFrameSync(data)
      case 'zstd':
        return decompressZstd(data, maxBytes)
    }
  })
}

/** The data decompressed so far, from the beginning; the last piece is complete. */
export type Unpacked = { readonly bytes: Buffer; readonly isWhole: boolean }

/**
 * The same in pieces, each a few times as long as the one before, so that a caller that checks each can stop early:
 * decompressing the beginning again costs a third more than decompressing once. Only gzip and Zstandard, whose ratios have no
 * useful limit, return several pieces.
 * @throws as `decompress`, between the pieces
 */
export function* decompressGradually(
  compression: Compression,
  data: Buffer,
  maxBytes: number,
): Generator<Unpacked, void, undefined> {
  if (compression === 'gzip' || compression === 'zstd') {
    const small = wholeIfSmall(compression, data, Math.min(AT_ONCE_BYTES, maxBytes))
    if (small !== undefined) {
      yield { bytes: small, isWhole: true }
      return
    }
    for (let length = FIRST_INPUT_BYTES; length < data.length; length *= GROWTH) {
      yield { bytes: decompressBeginning(compression, data.subarray(0, length), maxBytes), isWhole: false }
    }
  }
  yield { bytes: decompress(compression, data, maxBytes), isWhole: true }
}

function wholeIfSmall(compression: 'gzip' | 'zstd', data: Buffer, maxBytes: number): Buffer | undefined {
  try {
    return decompress(compression, data, maxBytes)
  } catch (error) {
    if (error instanceof OversizedError) return undefined
    throw error
  }
}

function decompressBeginning(compression: 'gzip' | 'zstd', data: Buffer, maxBytes: number): Buffer {
  return explained(compression, maxBytes, () =>
    compression === 'gzip'
      ? gunzipSync(data, { maxOutputLength: maxBytes, finishFlush: constants.Z_SYNC_FLUSH })
      : zstdDecompressSync(data, { maxOutputLength: maxBytes, finishFlush: constants.ZSTD_e_continue }),
  )
}

function explained<T>(compression: Compression, maxBytes: number, unpack: () => T): T {
  try {
    return unpack()
  } catch (error) {
    if (error instanceof MalformedError) throw error
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new OversizedError(`${compression} data unpacks to more than ${maxBytes} bytes`, { cause: error })
    }
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

/** Node ignores bytes behind the last frame; other readers fail there. */
function decompressZstd(data: Buffer, maxBytes: number): Buffer {
  const { buffer, engine } = zstdDecompressSync(data, { maxOutputLength: maxBytes, info: true }) as unknown as {
    readonly buffer: Buffer
    readonly engine: { readonly bytesWritten: number }
  }
  const left = data.length - engine.bytesWritten
  if (left !== 0) throw new MalformedError(`${left} bytes are left after the zstd data`)
  return buffer
}

function decompressSnappy(data: Buffer, maxBytes: number): Buffer {
  const blocks = data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC) ? xerialBlocks(data) : [data]
  let total = 0
  for (const block of blocks) {
    // A block begins with the length of its decompressed data.
    total += new ByteReader(block).uvarint()
    if (total > maxBytes) throw new OversizedError(`snappy data unpacks to more than ${maxBytes} bytes`)
  }
  return Buffer.concat(blocks.map((block) => Buffer.from(snappy.uncompressSync(block) as Buffer)))
}

function xerialBlocks(data: Buffer): Buffer[] {
  const reader = new ByteReader(data, XERIAL_HEADER.length)
  const blocks: Buffer[] = []
  while (reader.position < reader.end) blocks.push(reader.bytes())
  return blocks
}
