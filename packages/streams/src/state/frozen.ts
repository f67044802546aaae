/**
 * Freezes plain objects and arrays recursively, so that a test detects a processor that changes a value in place. Buffers
 * and class instances are not frozen.
 */
export function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}
