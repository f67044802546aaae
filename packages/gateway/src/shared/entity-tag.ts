/** Entity tags and their conditions (RFC 9110, sections 8.8.3 and 13.1). */
import { createHash, type Hash } from 'node:crypto'

/** Collects what a representation was made of. */
export function openEntityTag(representation: string): Hash {
  return createHash('sha256').update(representation)
}

/** A strong tag, quoted as it is sent. */
export function closeEntityTag(hash: Hash): string {
  return `"${hash.digest('base64url').slice(0, 27)}"`
}

/** If-None-Match compares weakly: `W/"a"` equals `"a"`. `current` undefined means that there is nothing. */
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

/** A comma may stand inside the quotes of a tag, so the header is matched, not split. */
function tagsOf(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? []
}
