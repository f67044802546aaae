import type { KeyStore } from '../../src/api/intents.ts'

/** A tab's session storage. */
export function memoryStorage(): KeyStore {
  const values = new Map<string, string>()
  return {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
  }
}
