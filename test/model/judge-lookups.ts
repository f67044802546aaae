/**
 * Tables trail the log, so one and the same command may find a recipient or not. What was found must at least have been
 * true at a moment when it could be: known means that somebody had written it before; unknown, that the directory did not
 * have it when the command was written, or lost it later; not being sure takes the full second of waiting.
 *
 * For the table of all requests nobody waits. But it is on record how far the process had read it when it decided, and from
 * that follows what it had to find.
 */
import { partitionForKey } from '@streampay/kafka'
import type { StoredLog } from '../../packages/streams/test/support/stored-log.ts'
import type { Clients } from './clients.ts'
import { type Input, requestsTopic, type TransactionRecord } from './cluster.ts'
import type { Lookup } from './naive-bank.ts'

const patienceMs = 1_000

/** Where a lookup was made. */
type Decision = { readonly transaction: TransactionRecord | undefined; readonly input: Input | undefined }
/** A version of a request that is on the log for everybody, or its tombstone. */
type Version = { readonly offset: number; readonly found: 'known' | 'unknown'; readonly mayBeMissed: boolean }

export class LookupJudge {
  readonly #clients: Pick<Clients, 'profiles' | 'writtenAt'>
  readonly #partitionCount: number
  readonly #versions: ReadonlyMap<string, readonly Version[]>

  constructor(clients: Pick<Clients, 'profiles' | 'writtenAt'>, stored: StoredLog) {
    this.#clients = clients
    this.#partitionCount = stored.partitionCount
    this.#versions = versionsIn(stored)
  }

  faultOf({ table, id, found, command }: Lookup, { transaction, input }: Decision): string | undefined {
    const told = `commands/${command.partition}/${command.offset} found "${id}" ${found}`
    if (table === 'requests') {
      const upTo = input?.requestsUpTo?.[partitionForKey(id, this.#partitionCount)] ?? 0
      return this.#mayFind(id, upTo).has(found) ? undefined : `${told}, where the table had been read up to ${upTo}`
    }
    const { atStep: writtenAt, elapsed } = this.#clients.writtenAt(command)
    const { atStep: decidedAt, elapsed: decided } = transaction?.decided ?? { atStep: 0, elapsed: 0 }
    // A profile under another's key is nobody's, but takes the place of what was there; elsewhere it is passed over.
    const before = this.#clients.profiles
      .filter(({ item, writtenAt }) => item.by === id && (writtenAt ?? Infinity) < decidedAt)
      .filter(({ item }) => item.broken !== 'other-partition')
      .map(({ item, writtenAt = 0 }) => ({ writtenAt, isThere: item.name !== undefined && item.broken === undefined }))
      .sort((a, b) => a.writtenAt - b.writtenAt)
    switch (found) {
      case 'known':
        return before.some(({ isThere }) => isThere) ? undefined : `${told}, who was not in the directory`
      case 'unknown': {
        const atWriting = before.findLast((version) => version.writtenAt < writtenAt)
        const later = before.filter((version) => version.writtenAt >= writtenAt)
        const isSurelyThere = atWriting?.isThere === true && later.every(({ isThere }) => isThere)
        return isSurelyThere ? `${told}, who had long been in the directory` : undefined
      }
      case 'unsure':
        return decided - elapsed < patienceMs ? `${told}, without having waited for it` : undefined
    }
  }

  /** In a table that holds what is on the log before the offset. */
  #mayFind(id: string, offset: number): ReadonlySet<Lookup['found']> {
    let may = new Set<Lookup['found']>(['unknown'])
    for (const version of this.#versions.get(id) ?? []) {
      if (version.offset >= offset) break
      // What compaction has removed by now was there for some, and not for others.
      may = new Set(version.mayBeMissed ? [...may, version.found] : [version.found])
    }
    return may
  }

  /** A name that the person has ever had, or their id while they have none. */
  mayBeCalled(id: string, name: unknown): boolean {
    if (name === id) return true
    return this.#clients.profiles.some(
      ({ item, written }) => item.by === id && item.broken === undefined && written !== undefined && item.name === name,
    )
  }
}

function versionsIn(stored: StoredLog): Map<string, Version[]> {
  const versions = new Map<string, Version[]>()
  for (const { record, transaction, compacted = false } of stored
    .partitionsOf(requestsTopic)
    .flatMap((p) => p.entries)) {
    if (record === undefined || transaction?.state !== 'committed') continue
    const id = record.key?.toString() ?? ''
    const found = record.value === null ? 'unknown' : 'known'
    const version: Version = { offset: record.offset, found, mayBeMissed: compacted }
    versions.set(id, [...(versions.get(id) ?? []), version])
  }
  return versions
}
