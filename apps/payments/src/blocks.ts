/** From whom a person accepts no payment requests; kept at that person's task, where such requests are decided. */
import { type BlockedPerson, blockedPerson, headerNames } from '@streampay/domain'
import type { ProcessorContext, StoreDefinition } from '@streampay/streams'
import { addTo, pairOf } from './counts.ts'
import { jsonHeaders, jsonSerde } from './serdes.ts'
import { blockSink } from './sinks.ts'

export const blockStore: StoreDefinition<BlockedPerson> = { name: 'blocks', value: jsonSerde(blockedPerson) }

type Pair = { readonly blocker: string; readonly blocked: string }

export function isBlocked(context: ProcessorContext, { blocker, blocked }: Pair): boolean {
  return context.store<BlockedPerson>(blockStore.name).get(pairOf(blocker, blocked)) !== undefined
}

/** Whom is blocked already stays so, since when they were. */
export function block(context: ProcessorContext, { blocker, blocked }: Pair, at: number): void {
  if (isBlocked(context, { blocker, blocked })) return
  const id = pairOf(blocker, blocked)
  const value: BlockedPerson = { id, blocker, blocked, at }
  context.store<BlockedPerson>(blockStore.name).set(id, value)
  addTo(context, 'blocked', blocker, 1)
  publish(context, value, value)
}

export function unblock(context: ProcessorContext, { blocker, blocked }: Pair): void {
  const blocks = context.store<BlockedPerson>(blockStore.name)
  const value = blocks.get(pairOf(blocker, blocked))
  if (value === undefined) return
  blocks.delete(value.id)
  addTo(context, 'blocked', blocker, -1)
  publish(context, value, null)
}

/** Tombstones, too, say whose they are, so that a view knows whom to tell. */
function publish(context: ProcessorContext, { id, blocker }: BlockedPerson, value: BlockedPerson | null): void {
  const headers = { ...jsonHeaders, [headerNames.identity]: blocker }
  context.send(blockSink, { key: id, value, headers })
}
