/** The outermost layer: the only places in the UI's logic that time and randomness come from. */
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
