import { LocalStoreError } from './errors.ts'
import { type KeyBounds, type LocalRange, maxKeyBytes } from './local-store.ts'

/**
 * The range of all keys that begin with `prefix`, itself included. An empty prefix: all keys.
 * @example
 * ```ts
 * import { keysWithPrefix } from '@streampay/local-store'
 * import { memoryStore } from '@streampay/local-store/memory'
 *
 * const store = memoryStore()
 * const people = store.table('people')
 * store.write((batch) => {
 *   for (const name of ['ada', 'alan', 'bob']) batch.put(people, Buffer.from(name), Buffer.alloc(0))
 * })
 * const found = [...people.range({ ...keysWithPrefix(Buffer.from('a')), reverse: true })]
 * console.log(found.map(({ key }) => String(key))) // → [ 'alan', 'ada' ]
 * ```
 */
export function keysWithPrefix(prefix: Uint8Array): KeyBounds {
  // The last byte below 255 is increased for the end of the range; only bytes of 255 follow it.
  const last = prefix.findLastIndex((byte) => byte !== 0xff)
  if (last === -1) return { gte: prefix }
  const lt = Buffer.from(prefix.subarray(0, last + 1))
  lt[last] = (lt[last] ?? 0) + 1
  return { gte: prefix, lt }
}

/** The lowest key greater than `key`: as `gte` it begins a range after `key`, as `lt` it ends one with it. */
export function keyAfter(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.of(0)])
}

/** @throws LocalStoreError LOCAL_STORE_MISUSED */
export function checkKey(table: string, key: Uint8Array): void {
  if (key.length > 0 && key.length <= maxKeyBytes) return
  throw new LocalStoreError(
    'LOCAL_STORE_MISUSED',
    `A key of ${key.length} bytes for table "${table}": keys have 1 to ${maxKeyBytes} bytes`,
  )
}

/** Checks the keys of a range: one byte longer than a key, for `keyAfter`; may be empty. @throws LocalStoreError LOCAL_STORE_MISUSED */
export function checkBounds(table: string, { gte, lt }: KeyBounds): void {
  const longest = Math.max(gte?.length ?? 0, lt?.length ?? 0)
  if (longest <= maxKeyBytes + 1) return
  throw new LocalStoreError(
    'LOCAL_STORE_MISUSED',
    `A bound of ${longest} bytes for table "${table}": bounds have at most ${maxKeyBytes + 1} bytes`,
  )
}

/** Whether the range can't have any key. */
export function isEmptyRange({ gte, lt, limit }: LocalRange): boolean {
  if (limit !== undefined && limit <= 0) return true
  return lt !== undefined && (lt.length === 0 || (gte !== undefined && Buffer.compare(gte, lt) >= 0))
}

/** @throws LocalStoreError LOCAL_STORE_MISUSED */
export function checkTableName(name: string): void {
  if (/^[a-z0-9._/-]{1,200}$/.test(name)) return
  throw new LocalStoreError(
    'LOCAL_STORE_MISUSED',
    `"${name}" is not a name for a table: it has 1 to 200 of the characters a–z, 0–9, ".", "_", "/" and "-"`,
  )
}
