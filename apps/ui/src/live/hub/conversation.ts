import type { StreamFault, StreamState } from '../event-connection.ts'

/**
 * The messages between a tab and the hub. The hub has the connection: one for all tabs of a browser if they share a worker; if they can't,
 * each tab has a hub of its own.
 *
 *     tab ── hello, open, close, retry, reconnect, hidden, token, leave ────────────► hub ── one connection ──► gateway
 *     tab ◄── events (the next ones when it has said `taken`), token, full, cutOff ── hub
 */
export type AskedView = {
  /** Path and query. Its `last` says how many rows the hub keeps for tabs that join later. */
  readonly url: string
  /** The permission that it needs. */
  readonly scope: string
  /** The members of a record that name it: only the newest record of each name counts. */
  readonly key: readonly string[]
  /**
   * Whether tabs that were hidden for a while need every record of that time; if not, the newest records are enough, and the view begins
   * anew.
   */
  readonly resumes: boolean
}

export type ToHub =
  /** The tab holds `lock` as long as it exists; undefined where hub and tab end together. */
  | { readonly kind: 'hello'; readonly lock: string | undefined; readonly isHidden: boolean }
  /** `view` is a number that the tab has not used yet. */
  | { readonly kind: 'open'; readonly view: number; readonly asked: AskedView }
  | { readonly kind: 'close'; readonly view: number }
  /** Try again at once, because a person asked for it. */
  | { readonly kind: 'retry'; readonly view: number }
  /** The network or the session is back. */
  | { readonly kind: 'reconnect' }
  | { readonly kind: 'hidden'; readonly isHidden: boolean }
  | { readonly kind: 'token'; readonly ask: number; readonly token: string | undefined }
  | { readonly kind: 'taken' }
  | { readonly kind: 'leave' }

export type ToTab =
  | { readonly kind: 'events'; readonly events: readonly TabEvent[] }
  /** The tab has the session: a token that is valid now, or one that is newer than the refused one. */
  | { readonly kind: 'token'; readonly ask: number; readonly refused: string | undefined }
  /** The connection can take no more views. */
  | { readonly kind: 'full' }
  /** The hub gets no answer from the gateway to any request. */
  | { readonly kind: 'cutOff' }

export type TabEvent =
  /** `data` is the record as JSON. */
  | { readonly kind: 'record'; readonly view: number; readonly data: string }
  | ViewEvent
  /** The state of the connection. */
  | ({ readonly kind: 'connection' } & Told)

export type ViewEvent =
  /** The view begins anew: the records up to `settled` are all of them. */
  | { readonly kind: 'restart'; readonly view: number }
  | { readonly kind: 'delete'; readonly view: number; readonly key: string }
  | { readonly kind: 'settled'; readonly view: number }
  | ({ readonly kind: 'state'; readonly view: number } & Told)

export type Told = { readonly state: StreamState; readonly fault: StreamFault | undefined }

/** One end of a conversation: the part of a MessagePort that is needed. */
export type Port<In, Out> = {
  postMessage: (message: Out) => void
  onmessage: ((event: { readonly data: In }) => void) | null
  close: () => void
}

/** Two ends in one tab. As with a MessagePort, what was sent before an end was closed still arrives at the other. */
export function localPorts(): readonly [tab: Port<ToTab, ToHub>, hub: Port<ToHub, ToTab>] {
  const tab = localPort<ToTab, ToHub>((message) => hub.onmessage?.({ data: message }))
  const hub = localPort<ToHub, ToTab>((message) => tab.onmessage?.({ data: message }))
  return [tab, hub]
}

function localPort<In, Out>(deliver: (message: Out) => void): Port<In, Out> {
  const port: Port<In, Out> = {
    onmessage: null,
    postMessage: (message) => queueMicrotask(() => deliver(message)),
    close: () => {
      port.onmessage = null
    },
  }
  return port
}
