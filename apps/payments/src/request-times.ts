/**
 * The times at which a request expires or is removed. Ids are in slots of ten minutes of log time, so
 * that due ids are found by look-ups alone, at any number of requests. The store has
 *
 *     "next"        the first slot that was not processed; the name of a slot is the time of its beginning, in ms
 *     "<slot>"      how many ids are left in it
 *     "<slot>:<n>"  the n-th of them, from 0
 *
 * The request itself decides what to do: one that was paid meanwhile is skipped when it is due.
 */
import type { BatchContext, KeyValueStore, StoreDefinition } from '@streampay/streams'
import { checkedJson } from './serdes.ts'

export const requestTimeStore: StoreDefinition<string | number> = {
  name: 'request-times',
  value: checkedJson(
    (value): value is string | number => typeof value === 'string' || Number.isSafeInteger(value),
    'time of a request',
  ),
}

type Context = Pick<BatchContext, 'store' | 'streamTime'>

const slotMs = 10 * 60 * 1000
const nextKey = 'next'
/** The number of slots in one call: half a year. If a clock was set far ahead, the task must not be blocked. */
const maxAdvanceMs = 26_280 * slotMs

/** Whether this task has ever stored times: stores of a version without times have none. */
export function keepsTimes(context: Context): boolean {
  return storeOf(context).get(nextKey) !== undefined
}

/** The id is due once stream time has passed `at` (in ms), at most a slot and a punctuation later. */
export function schedule(context: Context, id: string, at: number): void {
  const times = storeOf(context)
  const next = nextSlot(context)
  // Stored at once: by the next batch, stream time may have passed any number of slots.
  if (!keepsTimes(context)) times.set(nextKey, next)
  const slot = Math.max(slotOf(at), next)
  const count = numberAt(times, `${slot}`)
  times.set(`${slot}:${count}`, id)
  times.set(`${slot}`, count + 1)
}

/** Takes out due ids, up to a limit; the next call returns the rest. */
export function takeDue(context: Context, max: number): string[] {
  const times = storeOf(context)
  const first = nextSlot(context)
  // Without waiting ids no slot has to be processed, however much time has passed.
  const isEmpty = [...times.range({ limit: 2 })].length <= 1
  const last = isEmpty ? first : Math.min(slotOf(context.streamTime), first + maxAdvanceMs)
  const due: string[] = []
  let slot = isEmpty ? slotOf(context.streamTime) : first
  for (; slot < last; slot += slotMs) {
    takeFrom(times, slot, { due, max })
    if (due.length === max) break
  }
  if (slot !== first || !keepsTimes(context)) times.set(nextKey, slot)
  return due
}

/** From the end, so that the remaining ids keep their numbers. */
function takeFrom(times: Times, slot: number, { due, max }: { due: string[]; max: number }): void {
  let count = numberAt(times, `${slot}`)
  if (count === 0) return
  for (; count > 0 && due.length < max; count--) {
    const key = `${slot}:${count - 1}`
    due.push(String(times.get(key)))
    times.delete(key)
  }
  if (count === 0) times.delete(`${slot}`)
  else times.set(`${slot}`, count)
}

type Times = KeyValueStore<string | number>

/** Before the first slot was processed, the present one: earlier slots are empty. */
function nextSlot(context: Context): number {
  const next = storeOf(context).get(nextKey)
  return next === undefined ? slotOf(context.streamTime) : Number(next)
}

/** The time at which the slot begins. */
function slotOf(at: number): number {
  return at - (at % slotMs)
}

function numberAt(times: Times, key: string): number {
  return Number(times.get(key) ?? 0)
}

function storeOf(context: Context): Times {
  return context.store<string | number>(requestTimeStore.name)
}
