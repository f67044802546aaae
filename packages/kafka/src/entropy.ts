import type { Random } from './retry.ts'

/** The source for random choices, such as a broker or a pause; the nonce of a login comes from node:crypto. Tests pass another. */
export const systemRandom: Random = () => Math.random()
