/** Rounds in which subjects take turns: the first one of a round is the last one of the next. */

export type Subject<T> = { readonly name: string; run(round: number): Promise<T> }

/**
 * Runs every subject once in each round. Warm-up rounds come first, and what they return is dropped. Resolves with the
 * values of each subject in the order of the rounds.
 */
export async function inTurns<T>(
  subjects: readonly Subject<T>[],
  { rounds, warmUps = 0 }: { readonly rounds: number; readonly warmUps?: number },
): Promise<Map<string, T[]>> {
  const values = new Map<string, T[]>(subjects.map(({ name }) => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    const order = Math.abs(round) % 2 === 0 ? subjects : subjects.toReversed()
    for (const subject of order) {
      const value = await subject.run(round)
      if (round >= 0) values.get(subject.name)?.push(value)
    }
  }
  return values
}
