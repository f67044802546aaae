/** Frames of every API and version: generated from the layouts, mutated, or random bytes that are no request. */
import { type AnyApi, apiByKey, apis, encodeRequestHeader, MalformedError } from '@streampay/kafka/wire'
import type { SeededRandom } from '../support/seeded-random.ts'
import { mutated } from './mutate.ts'
import { passingTopics, topics } from './names.ts'
import { bodyOf, bytesOf } from './values.ts'

export type Frame = { readonly bytes: Buffer; readonly correlationId: number; readonly apiKey: number }

const all = Object.values(apis) as unknown as readonly AnyApi[]
/** APIs that take most data and have most state come more often. */
const favourites = [apis.produce, apis.produce, apis.fetch, apis.joinGroup, apis.offsetCommit] as unknown as AnyApi[]
/** Deletions would leave few records to read. */
const rare = new Set<number>([apis.deleteTopics.key, apis.deleteRecords.key])
const rareShare = 0.05
const mostTries = 10

export function frameOf(random: SeededRandom, correlationId: number): Frame {
  if (random.chance(0.03)) return { bytes: bytesOf(random, 64), correlationId, apiKey: -1 }
  const frame = generated(random, correlationId)
  return random.chance(0.4) ? { ...frame, bytes: withChange(random, frame.bytes) } : frame
}

/** A value may not fit its version (a null where that has none): then another one is generated. */
function generated(random: SeededRandom, correlationId: number): Frame {
  for (let tries = 0; tries < mostTries; tries++) {
    const api = random.chance(0.3) ? random.pick(favourites) : random.pick(all)
    if (rare.has(api.key) && !random.chance(rareShare)) continue
    const version = api.minVersion + random.below(api.maxVersion - api.minVersion + 1)
    const names = api.key === apis.deleteTopics.key ? passingTopics : topics
    const body = bodyOf(random, api.layouts.request, { version, flexible: version >= api.firstFlexible, topics: names })
    try {
      return { bytes: requestOf(api, { version, body, correlationId }), correlationId, apiKey: api.key }
    } catch (error) {
      if (!(error instanceof MalformedError || error instanceof TypeError || error instanceof RangeError)) throw error
    }
  }
  return { bytes: requestOf(all[0] as AnyApi, { version: 0, body: {}, correlationId }), correlationId, apiKey: 0 }
}

export function requestOf(
  api: Pick<AnyApi, 'key' | 'encodeRequest'>,
  request: { readonly version: number; readonly body: unknown; readonly correlationId: number },
): Buffer {
  const { version, body, correlationId } = request
  const header = encodeRequestHeader({ apiKey: api.key, apiVersion: version, correlationId, clientId: 'fuzz' })
  return Buffer.concat([header, api.encodeRequest(version, body as never)])
}

/** Mutations are mostly after the first eight bytes: those have the API, the version and the correlation id. */
function withChange(random: SeededRandom, bytes: Buffer): Buffer {
  if (random.chance(0.1)) return mutated(random, bytes)
  if (random.chance(0.2)) return Buffer.concat([bytes, bytesOf(random, 20)])
  return Buffer.concat([bytes.subarray(0, 8), mutated(random, bytes.subarray(8))])
}

export function nameOfKey(apiKey: number): string {
  return apiByKey(apiKey)?.name ?? 'noise'
}
