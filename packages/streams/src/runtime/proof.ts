/**
 * Compares the state that was opened from the disk with the log. A note says up to which offset a changelog is in a store, and which
 * record was the last one before it. If the log has the same record at that offset, the store matches the beginning of the log. If it has
 * another record there or none, the store is discarded: the log lost its end, or the log or the state was restored or
 * created anew; or compaction removed the record since, so that the match can't be proven.
 *
 * Only the *last* record proves a match: an older one proves nothing about the records between it and the position.
 */
import { type FetchedRecords, keyOf, recordChecksum } from '@streampay/kafka'
import { StreamsError } from '../errors.ts'
import { policyOf, type SetAsideRecords } from '../log/set-aside.ts'
import type { StreamClock } from '../log/stream-clock.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { unlessAborted } from '../log/unless-aborted.ts'
import type { Claim } from '../state/local-state.ts'

export type ProofOptions = {
  readonly log: Pick<StreamLog, 'openReader'>
  readonly starts: ReadonlyMap<string, number>
  readonly ends: ReadonlyMap<string, number>
  readonly stallTimeoutMs: number
  readonly signal: AbortSignal
  readonly clock: StreamClock
  readonly setAside: SetAsideRecords
}

/** Enough for one batch of each of a few partitions: the records behind it are read again later. */
const proofBytes = 256 * 1024

/**
 * The reason why a claim is not proven, by `keyOf` its partition; proven claims are left out.
 * @throws StreamsError STREAMS_RESTORE_STALLED
 */
export async function doubtsOf(claims: readonly Claim[], options: ProofOptions): Promise<Map<string, string>> {
  const { log, setAside, signal, clock, stallTimeoutMs } = options
  const doubts = new Map<string, string>()
  const open = new Map<string, Claim>()
  for (const claim of claims) {
    const doubt = outsideOf(claim, options)
    if (doubt === undefined) open.set(keyOf(claim), claim)
    else doubts.set(keyOf(claim), doubt)
  }
  if (open.size === 0) return doubts
  const reader = log.openReader({ maxBytes: proofBytes, lent: true, onUndecodable: policyOf(setAside) })
  try {
    reader.assign([...open.values()].map(({ topic, partition, last }) => ({ topic, partition, offset: last.offset })))
    let progressAt = clock.elapsed()
    while (open.size > 0) {
      for (const fetched of await unlessAborted(signal, reader.poll())) {
        if (!settle(open, doubts, fetched)) continue
        reader.pause([fetched])
        progressAt = clock.elapsed()
      }
      if (clock.elapsed() - progressAt > stallTimeoutMs) throw stalled(open, stallTimeoutMs)
    }
  } finally {
    await reader.close()
  }
  return doubts
}

function outsideOf(claim: Claim, { starts, ends }: ProofOptions): string | undefined {
  const { position, last } = claim
  const start = starts.get(keyOf(claim)) ?? 0
  const end = ends.get(keyOf(claim)) ?? 0
  if (position > end) return `the log ends at ${end}, before ${position}`
  return last.offset < start ? `the log begins at ${start}, behind the record at ${last.offset}` : undefined
}

/** Decides the claim of a partition if the fetched records allow it. */
function settle(open: Map<string, Claim>, doubts: Map<string, string>, fetched: FetchedRecords): boolean {
  const key = keyOf(fetched)
  const claim = open.get(key)
  const [record] = fetched.records
  if (claim === undefined || (record === undefined && fetched.position <= claim.last.offset)) return false
  open.delete(key)
  const { offset, checksum } = claim.last
  if (record === undefined || record.offset > offset)
    doubts.set(key, `the record at ${offset} is not on the log any more`)
  else if (recordChecksum(record) !== checksum) doubts.set(key, `the log has another record at ${offset}`)
  return true
}

function stalled(open: ReadonlyMap<string, Claim>, stallTimeoutMs: number): StreamsError {
  const message = `The last records of the local state could not be read for ${stallTimeoutMs} ms: ${[...open.keys()].join(', ')}.`
  return new StreamsError('STREAMS_RESTORE_STALLED', message)
}
