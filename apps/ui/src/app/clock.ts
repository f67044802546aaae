/** Where stores and pages take time and randomness from; a test gives them its own. */
export function now(): number {
  return Date.now()
}

/** A new idempotency key: one intent of one person, never reused for another. */
export function newKey(): string {
  return crypto.randomUUID()
}

export function random(): number {
  return Math.random()
}
