import type { RawBytes } from '../api/types.ts'

/** Bytes of a value that are shown as hexadecimal digits; the whole value can be saved. */
export const maxHexBytes = 4_096
/** Eight, because such a line fits on a phone. */
const bytesInLine = 8

export function bytesOf(raw: RawBytes): Uint8Array<ArrayBuffer> {
  if (raw === null) return new Uint8Array()
  if ('text' in raw) return new TextEncoder().encode(raw.text)
  return Uint8Array.from(atob(raw.base64), (character) => character.charCodeAt(0))
}

/** As `hexdump -C` prints it, but shorter: offset, eight bytes, and the ASCII characters among them. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = []
  const end = Math.min(bytes.length, maxHexBytes)
  for (let at = 0; at < end; at += bytesInLine) {
    const line = [...bytes.subarray(at, Math.min(at + bytesInLine, end))]
    const digits = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const characters = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${digits.padEnd(bytesInLine * 3 - 1)}  ${characters}`)
  }
  return lines.join('\n')
}
