/**
 * Moments in the life of a record, for measurements: when a command was accepted, appended, fetched, committed, answered. A listener in
 * the same process gets them: `npm run bench -- pay --explain` loads one (bench/explain/), and the payments service has one for the spans
 * of sampled traces. Without a listener a moment costs one read of a property, because the caller checks first:
 *
 *     if (moments.hasSubscribers) tellMoment({ step: 'appended', … })
 */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'

type Place = { readonly topic: string; readonly partition: number; readonly offset: number }

/**
 * The kind of the moment, its `step`, and its subject. `offset` is that of the first record of a batch; for records that are read
 * or durable, it is the one behind the last. `id` is the correlation id of a command at a gateway, and elsewhere the transactional.id.
 * `bytes` is the size of what came or was written: of the request without its length, of the batch, or of all entries that one sync of
 * the journal made durable.
 */
export type Moment =
  // A gateway: a command was accepted, is on the log, has its reply, is answered. `id` is its correlation id.
  | { readonly step: 'asked'; readonly id: string }
  | ({ readonly step: 'acknowledged'; readonly id: string } & Place)
  | { readonly step: 'replied'; readonly id: string }
  | { readonly step: 'answered'; readonly id: string }
  // The broker: a request (by its API key) is complete, a batch was accepted, the log is durable up to an offset (exclusive), …
  | { readonly step: 'request'; readonly api: number; readonly bytes: number }
  | ({ readonly step: 'appended'; readonly records: number; readonly bytes: number } & Place)
  | { readonly step: 'marked'; readonly topic: string; readonly partition: number; readonly bytes: number }
  | ({ readonly step: 'durable' } & Place)
  | { readonly step: 'synced'; readonly bytes: number }
  | { readonly step: 'woken' }
  | { readonly step: 'ended'; readonly id: string; readonly isCommit: boolean }
  // A streams process: it has read up to an offset (exclusive); a batch of records was processed, its records are written, its offsets
  // are written, it is committed.
  | ({ readonly step: 'read' } & Place)
  | { readonly step: 'decided' | 'written' | 'positioned' | 'committed'; readonly id: string; readonly records: number }

const name = 'streampay.moments'

/** The channel of moments (`node:diagnostics_channel`). `hasSubscribers` says whether there is a listener. */
export const moments = channel(name)

/** Passes a moment to all listeners in this process, before it returns. */
export function tellMoment(moment: Moment): void {
  moments.publish(moment)
}

/** Listens from now on, in the order of the moments, until the returned function is called; `listen` must not throw. */
export function onMoment(listen: (moment: Moment) => void): () => void {
  const hear = (moment: unknown) => listen(moment as Moment)
  subscribe(name, hear)
  return () => {
    unsubscribe(name, hear)
  }
}
