import type { TokenSource } from '../api/http.ts'
import type { StreamFault, StreamState } from './event-connection.ts'
import type { AskedView, Port, TabEvent, ToHub, Told, ToTab, ViewEvent } from './hub/conversation.ts'
import type { Visibility } from './visibility.ts'

/** The views of this tab, connected by a hub: one that the tabs of the browser share, or one in the tab itself. */
export type ClientOptions = {
  /** Rejects if tabs can't share, or if the shared worker doesn't answer. `onLost` is called when the worker is gone. */
  readonly openShared: (onLost: () => void) => Promise<HubConnection>
  readonly openOwn: () => Promise<HubConnection>
  /** Whether the gateway answers this tab. */
  readonly canReach: () => Promise<boolean>
  readonly tokens: TokenSource
  readonly visibility: Visibility
  /** The state of the connection, for the page's banner. */
  readonly onState: (state: StreamState, fault: StreamFault | undefined) => void
}

/** The connection to a hub. */
export type HubConnection = {
  readonly port: Port<ToTab, ToHub>
  /** The lock that this tab holds while it uses the connection. */
  readonly lock: string | undefined
  readonly close: () => void
}

export type LiveView = AskedView & {
  /** In the order of the log; never an empty list. */
  readonly onRecords: (records: readonly unknown[]) => void
  /** The record of this key left the view. */
  readonly onDelete: (key: string) => void
  /** The view begins anew: the records up to `onSettled` are all of them. */
  readonly onRestart: () => void
  readonly onSettled: () => void
  readonly onState: (state: StreamState, fault: StreamFault | undefined) => void
}

export type LiveHandle = { readonly close: () => void; readonly retry: () => void }

const joinAgainMs = 5_000

/**
 *     away ──(a view is opened)──► joining ──► shared ──(the worker is gone, full, or reaches nothing)──► own
 *      ▲                              └──(tabs can't share here)───────────────────────────────────────────▲
 *      └──(the page was left, or the session ended)── every state
 *
 * A tab that has a connection of its own keeps it until it is reloaded.
 */
export class LiveClient {
  readonly #options: ClientOptions
  readonly #views = new Map<number, LiveView>()
  #lastView = 0
  #connection: HubConnection | undefined
  /** The connection that it joins, or has joined; undefined while it is away. */
  #joined: { readonly isShared: boolean } | undefined
  #canShare = true
  /** Whether a view was live since it joined. */
  #wasLive = false
  /** This tab reached the gateway when the shared connection could not be made. */
  #isReached = false

  constructor(options: ClientOptions) {
    this.#options = options
    options.visibility.onChange(() => this.#tell({ kind: 'hidden', isHidden: options.visibility.isHidden() }))
  }

  open(view: LiveView): LiveHandle {
    this.#lastView += 1
    const number = this.#lastView
    this.#views.set(number, view)
    if (this.#joined === undefined) void this.#join()
    else this.#tell(askFor(number, view))
    return {
      close: () => {
        if (!this.#views.delete(number)) return
        view.onState('closed', undefined)
        this.#tell({ kind: 'close', view: number })
      },
      retry: () => this.#tell({ kind: 'retry', view: number }),
    }
  }

  /** Connects again, after the network or the session came back. */
  reconnect(): void {
    this.#tell({ kind: 'reconnect' })
  }

  /** Delivers nothing until `comeBack`. */
  leave(): void {
    this.#joined = undefined
    this.#tell({ kind: 'leave' })
    this.#connection?.close()
    this.#connection = undefined
  }

  /** Joins again after it left: the page was kept and is shown again. */
  comeBack(): void {
    if (this.#joined === undefined && this.#views.size > 0) void this.#join()
  }

  async #join(): Promise<void> {
    const joining = { isShared: this.#canShare }
    this.#joined = joining
    this.#wasLive = false
    this.#isReached = false
    const { openShared, openOwn, visibility } = this.#options
    const opening = joining.isShared ? openShared(() => this.#goAlone(joining)) : openOwn()
    const connection = await opening.catch(() => undefined)
    if (joining !== this.#joined) return connection?.close()
    if (connection === undefined && joining.isShared) return this.#goAlone(joining)
    if (connection === undefined) return this.#joinLater(joining)
    this.#connection = connection
    connection.port.onmessage = ({ data }) => this.#onMessage(data)
    this.#tell({ kind: 'hello', lock: connection.lock, isHidden: visibility.isHidden() })
    for (const [number, view] of this.#views) this.#tell(askFor(number, view))
  }

  /** The code of a hub could not be loaded. */
  #joinLater(joining: object): void {
    this.#options.onState('reconnecting', undefined)
    setTimeout(() => joining === this.#joined && this.#join(), joinAgainMs)
  }

  #goAlone(from: object): void {
    if (from !== this.#joined) return
    this.#canShare = false
    this.leave()
    void this.#join()
  }

  #tell(message: ToHub): void {
    this.#connection?.port.postMessage(message)
  }

  #onMessage(message: ToTab): void {
    switch (message.kind) {
      case 'token':
        void this.#answer(message)
        break
      case 'full':
        if (this.#joined?.isShared) this.#goAlone(this.#joined)
        break
      case 'cutOff':
        if (this.#joined?.isShared) void this.#compare(this.#joined)
        break
      case 'events':
        try {
          this.#onEvents(message.events)
        } finally {
          this.#tell({ kind: 'taken' })
        }
        break
    }
  }

  async #answer({ ask, refused }: { readonly ask: number; readonly refused: string | undefined }): Promise<void> {
    const { tokens } = this.#options
    const connection = this.#connection
    const token = refused === undefined ? await tokens.token() : await tokens.renew(refused)
    if (connection === this.#connection) this.#tell({ kind: 'token', ask, token })
  }

  #onEvents(events: readonly TabEvent[]): void {
    const records = new Map<number, unknown[]>()
    const deliver = (view: number) => {
      const come = records.get(view)
      records.delete(view)
      if (come !== undefined) this.#views.get(view)?.onRecords(come)
    }
    const connection = this.#connection
    for (const event of events) {
      if (connection !== this.#connection) return
      if (event.kind === 'connection') this.#onConnection(event)
      else if (event.kind === 'record') {
        const come = records.get(event.view) ?? []
        records.set(event.view, come)
        come.push(JSON.parse(event.data))
      } else {
        deliver(event.view)
        this.#onOther(event)
      }
    }
    for (const view of [...records.keys()]) deliver(view)
  }

  #onOther(event: ViewEvent): void {
    const view = this.#views.get(event.view)
    switch (event.kind) {
      case 'restart':
        view?.onRestart()
        break
      case 'delete':
        view?.onDelete(event.key)
        break
      case 'settled':
        view?.onSettled()
        break
      case 'state':
        view?.onState(event.state, event.fault)
        break
    }
  }

  #onConnection({ state, fault }: Told): void {
    if (state === 'live') {
      this.#wasLive = true
      this.#isReached = false
    }
    this.#options.onState(state, fault)
  }

  /**
   * Browsers let a page use a certificate that its person has accepted by hand, but not always a worker. A gateway that was just started
   * may fail the worker and then answer the tab: one such failure counts only while nothing was live yet.
   */
  async #compare(joined: object): Promise<void> {
    const isReached = await this.#options.canReach()
    if (isReached && (this.#isReached || !this.#wasLive)) this.#goAlone(joined)
    this.#isReached = isReached
  }
}

function askFor(view: number, { url, scope, key, resumes }: LiveView): ToHub {
  return { kind: 'open', view, asked: { url, scope, key, resumes } }
}
