/**
 * When something is to be done about a request: expire it, or remove it. Ids stand in slots of ten minutes of log time, so
 * that finding those whose time has come takes look-ups alone, however many there are. The store holds
 *
 *     "next"        the first slot that was not gone through; a slot is named by the time of its begin, in ms
 *     "<slot>"      how many ids are left in it
 *     "<slot>:<n>"  the n-th of them, from 0
 *
 * What is to be done is asked of the request itself: one that was paid meanwhile comes up and is passed over.
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
/** Gone through in one call: half a year of slots. A clock that was set far ahead must not hold up the task. */
const maxAdvanceMs = 26_280 * slotMs

/** Whether this task has ever kept times: one whose stores were written before there were any has not. */
export function keepsTimes(context: Context): boolean {
  return storeOf(context).get(nextKey) !== undefined
}

/** The id comes up once stream time has passed `at` (in ms), at most a slot and a punctuation later. */
export function schedule(context: Context, id: string, at: number): void {
  const times = storeOf(context)
  const next = nextSlot(context)
  // Written down at once: by the next batch, stream time may have passed any number of slots.
  if (!keepsTimes(context)) times.set(nextKey, next)
  const slot = Math.max(slotOf(at), next)
  const count = numberAt(times, `${slot}`)
  times.set(`${slot}:${count}`, id)
  times.set(`${slot}`, count + 1)
}

/** Takes out ids whose time has come, at most so many; the rest comes up at the next call. */
export function takeDue(context: Context, max: number): string[] {
  const times = storeOf(context)
  const first = nextSlot(context)
  // Where nothing waits, there is nothing to go through, however far the clock has come.
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

/** From the end, so that what is left needs no new numbers. */
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

/** Before the first slot was gone through, that of the present: there is nothing in any before it. */
function nextSlot(context: Context): number {
  const next = storeOf(context).get(nextKey)
  return next === undefined ? slotOf(context.streamTime) : Number(next)
}

/** The time at which it begins. */
function slotOf(at: number): number {
  return at - (at % slotMs)
}

function numberAt(times: Times, key: string): number {
  return Number(times.get(key) ?? 0)
}

function storeOf(context: Context): Times {
  return context.store<string | number>(requestTimeStore.name)
}
