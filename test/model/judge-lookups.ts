/**
 * Tables trail the log, so the same command may find a recipient or not. The result of a look-up must have been true at a possible moment:
 * "known" means that a profile had been written before; "unknown", that the directory did not have it when the command was written, or lost
 * it later; "not sure" needs the full second of waiting.
 */
import type { Clients } from './clients.ts'
import type { TransactionRecord } from './cluster.ts'
import type { Lookup } from './naive-types.ts'

const patienceMs = 1_000

export class LookupJudge {
  readonly #clients: Pick<Clients, 'profiles' | 'writtenAt'>

  constructor(clients: Pick<Clients, 'profiles' | 'writtenAt'>) {
    this.#clients = clients
  }

  /** @param transaction in which the lookup was made */
  faultOf({ id, found, command }: Lookup, transaction: TransactionRecord | undefined): string | undefined {
    const told = `commands/${command.partition}/${command.offset} found "${id}" ${found}`
    const { atStep: writtenAt, elapsed } = this.#clients.writtenAt(command)
    const { atStep: decidedAt, elapsed: decided } = transaction?.decided ?? { atStep: 0, elapsed: 0 }
    // A profile under another person's key is not theirs, but replaces the one there; under other keys it is skipped.
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

  /** A name that the person has ever had, or their id while they have no name. */
  mayBeCalled(id: string, name: unknown): boolean {
    if (name === id) return true
    return this.#clients.profiles.some(
      ({ item, written }) => item.by === id && item.broken === undefined && written !== undefined && item.name === name,
    )
  }
}
