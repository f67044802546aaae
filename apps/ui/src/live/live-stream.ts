import { EventConnection, type EventConnectionOptions, type StreamFault, type StreamState } from './event-connection.ts'
import { createInbox, type InboxHandlers } from './inbox.ts'

export type { StreamState } from './event-connection.ts'

/** One list of the gateway on a connection of its own: history first, then updates, resumed after any interruption. */
export type StreamOptions = InboxHandlers &
  Pick<EventConnectionOptions, 'tokens' | 'fetch' | 'visibility' | 'random'> & {
    readonly url: string
    /** History has been delivered: from now on the view may say that it is empty. */
    readonly onSettled?: () => void
    readonly onState?: (state: StreamState, fault: StreamFault | undefined) => void
  }

/** Opens a live list and keeps it open until it is closed. */
export function openStream(options: StreamOptions): LiveStream {
  return new LiveStream(options)
}

export class LiveStream {
  readonly #inbox: ReturnType<typeof createInbox>
  readonly #connection: EventConnection
  // Kept across connections: a new one (after renewal of the token, for example) continues from here.
  #lastEventId = ''

  constructor(options: StreamOptions) {
    const { tokens, fetch, visibility, random, url, onSettled } = options
    this.#inbox = createInbox(options)
    this.#connection = new EventConnection({
      tokens,
      ...(fetch === undefined ? {} : { fetch }),
      ...(visibility === undefined ? {} : { visibility }),
      ...(random === undefined ? {} : { random }),
      request: () => (this.#lastEventId === '' ? { url } : { url, lastEventId: this.#lastEventId }),
      onId: (id) => {
        this.#lastEventId = id
      },
      onEvent: ({ type, data }) => {
        if (type === 'reset') this.#lastEventId = ''
        deliver(this.#inbox, { type, data }, onSettled)
      },
      onBadPosition: () => {
        if (this.#lastEventId !== '') this.#inbox.add({ kind: 'reset' })
        this.#lastEventId = ''
      },
      onState: (state, fault) => options.onState?.(state, fault),
      // Without a position it would begin at the end again, and records in between would be lost.
      canPause: () => this.#lastEventId !== '',
    })
  }

  /** Ends it: nothing is delivered any more. */
  close(): void {
    this.#inbox.drop()
    this.#connection.close()
  }

  /** Connects anew and continues from the last position. */
  reconnect(): void {
    this.#connection.restart('reconnecting')
  }

  /** The same, because a person asked for it: reported as a first attempt, so that they see that something happens. */
  retry(): void {
    this.#connection.restart('connecting')
  }

  /** Stops reading until `reconnect`, and keeps the position: for a reader that can't take more. */
  hold(): void {
    this.#connection.pause()
    this.#inbox.flush()
  }
}

/** Puts an event of a view into its inbox. */
function deliver(
  inbox: ReturnType<typeof createInbox>,
  { type, data }: { readonly type: string; readonly data: string },
  onSettled: (() => void) | undefined,
): void {
  switch (type) {
    case 'message':
      inbox.add({ kind: 'record', value: JSON.parse(data) })
      break
    case 'delete':
      inbox.add({ kind: 'delete', key: data })
      break
    case 'reset':
      inbox.add({ kind: 'reset' })
      break
    case 'caught-up':
      inbox.flush()
      onSettled?.()
      break
  }
}
