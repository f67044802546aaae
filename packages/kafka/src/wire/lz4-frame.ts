/**
 * Computes the decompressed size of an LZ4 frame without decompressing it, by adding the lengths of all sequences. The
 * decompressing library takes no limit, and one byte can expand to 255.
 *
 *     magic u32 | FLG | BD | content size u64? | dictionary u32? | HC | blocks… | 0 u32 | content checksum u32?
 *     block: size u32, whose highest bit means that the block is not compressed | bytes | checksum u32?
 *     sequence: token (literals, match) | more of the literals' length… | literals | offset u16 | more of the match's length…
 *
 * Numbers are little-endian. Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md
 */
import { MalformedError, OversizedError } from './malformed.ts'

const MAGIC = 0x184d2204
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const DICTIONARY = 0x01
const NOT_COMPRESSED = 0x8000_0000
const MORE = 15
const SHORTEST_MATCH = 4

/**
 * The size of the first frame; bytes behind it do not belong to the data, as in Kafka's own client.
 * @throws OversizedError beyond `maxBytes`, MalformedError for an invalid or incomplete frame
 */
export function lz4UnpackedBytes(frame: Buffer, maxBytes: number): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== MAGIC) throw new MalformedError('the data is not an LZ4 frame')
  const flags = frame.readUInt8(4)
  const behindBlock = (flags & BLOCK_CHECKSUM) === 0 ? 0 : 4
  let at = 7 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8) + ((flags & DICTIONARY) === 0 ? 0 : 4)
  let total = 0
  for (;;) {
    if (at + 4 > frame.length) throw new MalformedError('the LZ4 frame is cut off')
    const size = frame.readUInt32LE(at)
    at += 4
    if (size === 0) return total
    const bytes = size % NOT_COMPRESSED
    if (at + bytes > frame.length) throw new MalformedError('a block of the LZ4 frame is cut off')
    total += size >= NOT_COMPRESSED ? bytes : blockUnpackedBytes(frame.subarray(at, at + bytes), maxBytes - total)
    if (total > maxBytes) throw new OversizedError(`LZ4 data unpacks to more than ${maxBytes} bytes`)
    at += bytes + behindBlock
  }
}

/** Counting may stop a little above the limit. */
function blockUnpackedBytes(block: Buffer, maxBytes: number): number {
  let at = 0
  let total = 0
  const more = (first: number): number => {
    if (first !== MORE) return first
    let length = first
    for (;;) {
      const byte = block[at++]
      if (byte === undefined) throw new MalformedError('an LZ4 block ends within a length')
      length += byte
      if (byte !== 255) return length
    }
  }
  while (at < block.length && total <= maxBytes) {
    const token = block[at++] ?? 0
    const literals = more(token >>> 4)
    at += literals
    total += literals
    // The last sequence of a block has only literals.
    if (at >= block.length) break
    at += 2
    total += more(token & 0x0f) + SHORTEST_MATCH
  }
  return total
}
