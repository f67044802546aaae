/**
 * Moments in the life of a record, for measurements: when a command was accepted, appended, fetched, committed, answered. A listener in
 * the same process gets them: `npm run bench -- pay --explain` loads one (bench/explain/), and the payments service has one for the spans
 * of sampled traces. Without a listener a moment costs one read of a property, since the caller looks first:
 *
 *     if (moments.hasSubscribers) tellMoment({ step: 'appended', … })
 */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'

type Place = { readonly topic: string; readonly partition: number; readonly offset: number }

/**
 * What happened, by its `step`, and to what. `offset` is that of the first record of a batch, or, of what is read or
 * durable, the one behind the last.
 */
export type Moment =
  // A gateway: a command was accepted, is on the log, has its reply, is answered. `id` is its correlation id.
  | { readonly step: 'asked'; readonly id: string }
  | ({ readonly step: 'acknowledged'; readonly id: string } & Place)
  | { readonly step: 'replied'; readonly id: string }
  | { readonly step: 'answered'; readonly id: string }
  // The broker: a request (by its API key) is whole, a batch was taken, the log is durable up to before an offset, …
  | { readonly step: 'request'; readonly api: number; readonly bytes: number }
  | ({ readonly step: 'appended'; readonly records: number; readonly bytes: number } & Place)
  | { readonly step: 'marked'; readonly topic: string; readonly partition: number; readonly bytes: number }
  | ({ readonly step: 'durable' } & Place)
  | { readonly step: 'synced'; readonly bytes: number }
  | { readonly step: 'woken' }
  | { readonly step: 'ended'; readonly id: string; readonly isCommit: boolean }
  // A streams process: read up to before an offset; a batch of so many records was processed, is written, its offsets are, it is
  // committed.
  | ({ readonly step: 'read' } & Place)
  | { readonly step: 'decided' | 'written' | 'positioned' | 'committed'; readonly id: string; readonly records: number }

const name = 'streampay.moments'

/** The channel on which moments are told (`node:diagnostics_channel`). `hasSubscribers` says whether any are wanted. */
export const moments = channel(name)

/** Tells a moment to all who listen in this process, before it returns. */
export function tellMoment(moment: Moment): void {
  moments.publish(moment)
}

/** From now on, in the order in which they happen, until the returned function is called; `listen` must not throw. */
export function onMoment(listen: (moment: Moment) => void): () => void {
  const hear = (moment: unknown) => listen(moment as Moment)
  subscribe(name, hear)
  return () => {
    unsubscribe(name, hear)
  }
}
