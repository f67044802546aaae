/**
 * Values with a checksum before them: the pages of LMDB have none, and what a disk has changed must not be read. The key is
 * counted in, so that a value in another's place is noticed as well. A row that is missing is not.
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
