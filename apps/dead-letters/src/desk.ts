/**
 * Handles one dead letter at a time, by the rules of the tool, and within bounds, because an operator waits for the gateway's answer.
 * Beyond the bounds an operator uses the tool: `npm run dead-letters` reads any number of records.
 */
import type { Cluster } from '@streampay/kafka'
import { factsAbout, TooMuchToReadError } from './facts.ts'
import { refusalOf } from './judge.ts'
import { type Letter, type LetterId, lettersAt } from './letters.ts'
import { replay } from './replay.ts'

export type Judged = {
  /** Why it can't be put back, as a part of a sentence; undefined if it may be. */
  readonly refusal: string | undefined
}

export type PutBack =
  | { readonly kind: 'refused'; readonly refusal: string }
  | {
      readonly kind: 'written'
      /** The new coordinates of the record, topic/partition/offset. */
      readonly place: string
      /** The answer of the payments service; undefined if none came in time, and for records that get no answer. */
      readonly answer: { readonly status: number; readonly detail: string | undefined } | undefined
    }
  /** It was not written, or perhaps was: `fault` says which. */
  | { readonly kind: 'failed'; readonly fault: string }

export type DeskOptions = {
  readonly nowMs: number
  /** The most records of `commands`, or of `users`, to read: if there are more, a letter is refused. */
  readonly mostOffsets: number
}

/** @returns undefined if there is no dead letter at this place */
export async function judgeLetter(cluster: Cluster, id: LetterId, options: DeskOptions): Promise<Judged | undefined> {
  const [letter] = await lettersAt(cluster, [id])
  return letter === undefined ? undefined : { refusal: await refusalFor(cluster, letter, options) }
}

/** Judges it again, and writes it if it may be. Doing it twice has the outcome of doing it once. */
export async function putLetterBack(
  cluster: Cluster,
  id: LetterId,
  options: DeskOptions & { readonly answersWithinMs: number },
): Promise<PutBack | undefined> {
  const [letter] = await lettersAt(cluster, [id])
  if (letter === undefined) return undefined
  const refusal = await refusalFor(cluster, letter, options)
  if (refusal !== undefined) return { kind: 'refused', refusal }
  const [result] = await replay(cluster, [letter], options)
  if (result?.place === undefined) return { kind: 'failed', fault: result?.fault ?? 'perhaps written' }
  return { kind: 'written', place: result.place, answer: result.answer }
}

async function refusalFor(cluster: Cluster, letter: Letter, options: DeskOptions): Promise<string | undefined> {
  // This refusal follows from the letter itself, without reading the log.
  const alone = { now: options.nowMs, firstAttemptAt: undefined, holdsAllAttempts: true, newerVersion: undefined }
  const own = refusalOf(letter, alone)
  if (own !== undefined) return own
  try {
    const facts = await factsAbout(cluster, [letter], { ...options, told: () => undefined })
    const known = facts.get(letter)
    return known === undefined ? 'no facts about it could be read' : refusalOf(letter, known)
  } catch (error) {
    if (!(error instanceof TooMuchToReadError)) throw error
    return `${error.message}, and at most ${options.mostOffsets} are searched here: use npm run dead-letters`
  }
}
