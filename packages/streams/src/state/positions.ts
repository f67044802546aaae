/**
 * The value of the positions changelog (key: source topic; partition: task): the input offset that was committed together
 * with the changelogs. The group's own offsets expire after a week without a member; these do not expire.
 */
export type Position = {
  readonly offset: number
  /** The task's stream time at that commit, in ms, so that a restart does not set it back. */
  readonly streamTime: number
  /** The highest timestamp of the source's records before the offset, in ms; 0 if none is known. */
  readonly sourceTime: number
  /** The transactional id of the process that committed. */
  readonly transactionalId: string
}

export function encodePosition(position: Position): Buffer {
  return Buffer.from(JSON.stringify(position))
}

/** @throws Error on any bytes that `encodePosition` did not write. */
export function decodePosition(bytes: Buffer): Position {
  // Positions written before November 2026 have no source time.
  const parsed: unknown = { sourceTime: 0, ...JSON.parse(bytes.toString('utf8')) }
  if (!isPosition(parsed)) throw new Error(`"${bytes.toString('utf8')}" is not a position`)
  return parsed
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== 'object' || value === null) return false
  const { offset, streamTime, sourceTime, transactionalId } = value as Record<string, unknown>
  return [offset, streamTime, sourceTime].every(Number.isSafeInteger) && typeof transactionalId === 'string'
}
