/**
 * The compressions of record batches. Snappy is framed as Java's snappy-java does (plain Snappy is read as well),
 * LZ4 and Zstandard are their standard frames.
 *
 * Nothing is unpacked beyond a bound: gzip and Zstandard stop there, Snappy and LZ4 tell their size before.
 */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import snappy from 'snappy'
import { lz4UnpackedBytes } from './lz4-frame.ts'
import { MalformedError, OversizedError } from './malformed.ts'
import { Reader } from './reader.ts'

/** Each at the place of its number in the attributes of a batch. */
export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** A compression of record batches, as a producer names it in `compression.type`. */
export type Compression = (typeof compressions)[number]

/** For a reader of a log, which takes whatever the log has accepted. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const XERIAL_BLOCK_BYTES = 32 * 1024
/** Up to so much is unpacked at once; what is larger comes piece by piece. */
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

/** @throws MalformedError for data that its format can't explain, OversizedError for what unpacks to more than the bound */
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

/** What is unpacked so far, from the beginning; the last piece is whole. */
export type Unpacked = { readonly bytes: Buffer; readonly isWhole: boolean }

/**
 * The same in pieces, each a few times as long as the one before, so that a caller who looks at each can stop early:
 * unpacking the beginning again costs a third more than unpacking once. Only gzip and Zstandard, whose ratios have no
 * sensible bound, come in several.
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

/** Node passes over what stands behind the last frame; other readers fail there. */
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
    // A block begins with the length of what is inside.
    total += new Reader(block).uvarint()
    if (total > maxBytes) throw new OversizedError(`snappy data unpacks to more than ${maxBytes} bytes`)
  }
  return Buffer.concat(blocks.map((block) => Buffer.from(snappy.uncompressSync(block) as Buffer)))
}

function xerialBlocks(data: Buffer): Buffer[] {
  const reader = new Reader(data, XERIAL_HEADER.length)
  const blocks: Buffer[] = []
  while (reader.position < reader.end) blocks.push(reader.bytes())
  return blocks
}
