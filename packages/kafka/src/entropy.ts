import type { Random } from './retry.ts'

/** The one place of this package that is random. Tests pass another. */
export const systemRandom: Random = () => Math.random()
