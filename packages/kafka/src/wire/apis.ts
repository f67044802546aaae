/** The APIs by name and by key. */
import type { AnyApi } from './api.ts'
import * as all from './apis/index.ts'

/**
 * Every supported API, by Kafka's name for it.
 * @example
 * ```ts
 * import { apis } from '@streampay/kafka/wire'
 *
 * const { key, name, maxVersion } = apis.listGroups
 * console.log(key, name, maxVersion) // → 16 ListGroups 5
 * const bytes = apis.listGroups.encodeRequest(maxVersion, { statesFilter: ['Stable'] })
 * console.log(apis.listGroups.decodeRequest(maxVersion, bytes)) // → { statesFilter: [ 'Stable' ], typesFilter: [] }
 * ```
 */
export const apis = all

/** The name of an API in `apis`, such as `initProducerId`. */
export type ApiName = keyof typeof apis

const byKey = new Map<number, AnyApi>(Object.values(apis).map((api) => [api.key, api as AnyApi]))

/** Undefined for a key that isn't supported. */
export function apiByKey(key: number): AnyApi | undefined {
  return byKey.get(key)
}
