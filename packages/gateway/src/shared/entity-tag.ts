/** Entity tags and their conditions (RFC 9110, sections 8.8.3 and 13.1). */
import { createHash, type Hash } from 'node:crypto'

/** Hashes the parts of a representation. */
export function openEntityTag(representation: string): Hash {
  return createHash('sha256').update(representation)
}

/** A strong tag, quoted as it is sent. */
export function closeEntityTag(hash: Hash): string {
  return `"${hash.digest('base64url').slice(0, 27)}"`
}

/** If-None-Match compares weakly: `W/"a"` equals `"a"`. `current` undefined means that there is no representation. */
export function noneMatch(header: string, current: string | undefined): boolean {
  if (current === undefined) return true
  if (header.trim() === '*') return false
  return !tagsOf(header).some((tag) => tag.replace(/^W\//, '') === current)
}

/** If-Match compares strongly: a weak tag never matches. */
export function anyMatch(header: string, current: string | undefined): boolean {
  if (current === undefined) return false
  if (header.trim() === '*') return true
  return tagsOf(header).includes(current)
}

/** A tag may have a comma inside its quotes, so the header is matched, not split. */
function tagsOf(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? []
}
