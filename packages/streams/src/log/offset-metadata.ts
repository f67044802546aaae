/**
 * The metadata of a committed offset: the transactional id of the member that owns the partition, and whether any of its records
 * has ever been read. An offset without a position in the changelog is an error, unless no record was read yet.
 */
const nothingRead = ';nothing-read'

export function readBy(transactionalId: string): string {
  return transactionalId
}

export function nothingReadBy(transactionalId: string): string {
  return `${transactionalId}${nothingRead}`
}

export function isNothingRead(metadata: string): boolean {
  return metadata.endsWith(nothingRead)
}

/** The transactional id whose transaction may be open; undefined if no member has ever owned the partition. */
export function writerOf(metadata: string): string | undefined {
  const id = isNothingRead(metadata) ? metadata.slice(0, -nothingRead.length) : metadata
  return id === '' ? undefined : id
}
