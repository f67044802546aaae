/**
 * Values with a checksum before them: LMDB's pages have none, and changed bytes on the disk must not be used. The checksum
 * includes the key, so that a value at another's place is detected as well. A missing row is not.
 *
 *     CRC-32 of key and value (4 bytes, big-endian) · value
 */
import { crc32 } from 'node:zlib'
import { DamagedFileError } from './lmdb-file.ts'

export const sealBytes = 4

export function sealed(key: Uint8Array, value: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(sealBytes + value.length)
  bytes.writeUInt32BE(crc32(value, crc32(key)), 0)
  bytes.set(value, sealBytes)
  return bytes
}

/** @throws DamagedFileError if these are not the bytes that were sealed under this key */
export function unsealed(key: Uint8Array, bytes: Buffer): Buffer {
  const value = bytes.subarray(sealBytes)
  if (bytes.length >= sealBytes && crc32(value, crc32(key)) === bytes.readUInt32BE(0)) return value
  throw new DamagedFileError('the checksum of a value is wrong')
}
