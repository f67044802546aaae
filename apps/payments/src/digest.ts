import { createHash } from 'node:crypto'

export const digestBytes = 16

/** The first 128 bits of SHA-256, in base64url: 22 characters. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, digestBytes).toString('base64url')
}
