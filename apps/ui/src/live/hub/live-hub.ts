import type { Problem } from '../../api/types.ts'
import { EventConnection, type EventConnectionOptions, type ServerEvent } from '../event-connection.ts'
import type { Visibility } from '../visibility.ts'
import type { AskedView, Port, ToHub, Told, ToTab } from './conversation.ts'
import { SharedView } from './shared-view.ts'
import { Tab } from './tab.ts'
import { TokenAsks } from './token-asks.ts'

/**
 * All views that the tabs of a browser show, on one connection: over HTTP/1.1 a browser has six connections for all its tabs, and a person
 * has a bounded number of streams at a gateway. Each view keeps its own position, so that a connection can be made anew for another set of
 * views (as when a page opens or closes some) without loss or repetition. A view that is on the connection already costs nothing more: a
 * tab that joins gets the rows that the hub has.
 */
export type HubOptions = Pick<EventConnectionOptions, 'fetch' | 'random'> & {
  /** Calls back when this lock is free: the tab that held it is gone. */
  readonly whenFree?: (lock: string, then: () => void) => void
  /** Whether the gateway answers at all; given only if tabs can connect in another way. */
  readonly canReach?: () => Promise<boolean>
}

/** A page closes its views just before the next page opens its own: one new connection serves both changes. */
const gatherMs = 20
/** A view that is no longer shown may continue for a moment; closing it is not urgent. */
const leaveMs = 1_000
/** The most views on one stream. */
const maxViews = 16

export class LiveHub {
  readonly #options: HubOptions
  readonly #tabs = new Set<Tab>()
  /** Views by path and query. One that no tab shows any more stays until the connection is made anew without it. */
  readonly #views = new Map<string, SharedView>()
  /** The views on the connection, by their index in its request. */
  #asked: readonly SharedView[] = []
  #connection: EventConnection | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isSwitching = false
  #mustReconnect = false
  readonly #tokens = new TokenAsks(() => this.#tabs)
  #onVisibility = () => {}
  #wasHidden = false
  /** The last state of the connection, for tabs that come later. */
  #told: Told | undefined

  constructor(options: HubOptions = {}) {
    this.#options = options
  }

  /** A tab has the other end of the port. It says hello first. */
  join(port: Port<ToHub, ToTab>): void {
    const tab = new Tab(port)
    port.onmessage = ({ data }) => this.#onMessage(tab, data)
  }

  #onMessage(tab: Tab, message: ToHub): void {
    switch (message.kind) {
      case 'hello':
        this.#welcome(tab, message)
        break
      case 'open':
        this.#open(tab, message)
        break
      case 'close':
        this.#close(tab, message.view)
        break
      case 'retry':
        this.#retry(tab.views.get(message.view))
        break
      case 'reconnect':
        this.#reconnectSoon()
        break
      case 'hidden':
        tab.isHidden = message.isHidden
        this.#lookAtTabs()
        break
      case 'token':
        this.#tokens.answer(message.ask, message.token)
        break
      case 'taken':
        tab.taken()
        break
      case 'leave':
        this.#drop(tab)
        break
    }
  }

  #welcome(tab: Tab, { lock, isHidden }: { readonly lock: string | undefined; readonly isHidden: boolean }): void {
    tab.isHidden = isHidden
    this.#tabs.add(tab)
    this.#tokens.repeatFor(tab)
    if (this.#told !== undefined) tab.tell({ kind: 'connection', ...this.#told })
    if (lock !== undefined) this.#options.whenFree?.(lock, () => this.#drop(tab))
    this.#lookAtTabs()
    // The tab may have signed in again, which the hub can't know.
    const isRefused = this.#connection?.state === 'refused' || [...this.#views.values()].some((view) => view.isRefused)
    if (isRefused) this.#reconnectSoon()
  }

  #drop(tab: Tab): void {
    if (!this.#tabs.delete(tab)) return
    for (const view of [...tab.views.keys()]) this.#close(tab, view)
    tab.close()
    this.#lookAtTabs()
    if (this.#tabs.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#connect('reconnecting')
    this.#tokens.giveUp()
  }

  #open(tab: Tab, { view, asked }: { readonly view: number; readonly asked: AskedView }): void {
    const isFull = this.#wanted().length >= maxViews
    if (isFull && !this.#views.has(asked.url)) tab.say('full')
    const shared = this.#views.get(asked.url) ?? new SharedView(asked)
    this.#views.set(asked.url, shared)
    shared.showTo({ tab, view })
    tab.follow(view, shared)
    this.#changeSoon(gatherMs)
  }

  #close(tab: Tab, view: number): void {
    const shared = tab.views.get(view)
    if (shared === undefined) return
    tab.unfollow(view)
    shared.hideFrom({ tab, view })
    if (this.#timer === undefined) this.#changeSoon(leaveMs)
  }

  /** Tries all views again at once, since they are on one connection. */
  #retry(shared: SharedView | undefined): void {
    if (shared === undefined) return
    shared.isRefused = false
    this.#connect('connecting')
  }

  /** Each tab reports that the network is back: one new connection serves all. */
  #reconnectSoon(): void {
    for (const view of this.#views.values()) view.isRefused = false
    this.#mustReconnect = this.#connection?.state !== 'paused'
    this.#changeSoon(gatherMs)
  }

  #changeSoon(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const wanted = this.#wanted()
      const isSame = wanted.length === this.#asked.length && wanted.every((view) => this.#asked.includes(view))
      if (isSame && !this.#mustReconnect) return
      this.#isSwitching = !this.#mustReconnect
      this.#connect('reconnecting')
      this.#isSwitching = false
    }, delayMs)
  }

  #wanted(): readonly SharedView[] {
    return [...this.#views.values()].filter(({ isShown, isRefused }) => isShown && !isRefused).slice(0, maxViews)
  }

  #connect(state: 'connecting' | 'reconnecting'): void {
    this.#mustReconnect = false
    for (const [url, { isShown }] of this.#views) if (!isShown) this.#views.delete(url)
    if (this.#wanted().length === 0) {
      this.#connection?.close()
      this.#connection = undefined
      this.#asked = []
    } else if (this.#connection === undefined) this.#connection = this.#openConnection()
    else this.#connection.restart(state)
  }

  #openConnection(): EventConnection {
    const { whenFree: _whenFree, canReach: _canReach, ...connecting } = this.#options
    return new EventConnection({
      ...connecting,
      tokens: this.#tokens,
      visibility: this.#visibility(),
      request: () => {
        this.#asked = this.#wanted()
        const query = this.#asked.map((view) => `view=${encodeURIComponent(pathOf(view))}`)
        return { url: `/live?${query.join('&')}` }
      },
      onId: (id) => {
        const { index, rest } = labelled(id)
        const view = this.#asked[index]
        if (view !== undefined) view.position = rest
      },
      onEvent: (event) => this.#onEvent(event),
      onBadPosition: () => {
        for (const view of this.#asked) view.startAnew()
      },
      onForbidden: (problem) => this.#onForbidden(problem),
      onState: (state, fault) => this.#report({ state, fault }),
    })
  }

  #onEvent({ type, data }: ServerEvent): void {
    const { index, rest } = labelled(type)
    const view = this.#asked[index]
    if (view === undefined) return
    switch (rest) {
      case 'message':
        view.take(data)
        break
      case 'delete':
        view.drop(data)
        break
      case 'reset':
        view.startAnew()
        break
      case 'caught-up':
        view.settle()
        break
    }
  }

  #onForbidden({ scope }: Problem): boolean {
    const lacking = this.#asked.filter(({ asked }) => scope === undefined || asked.scope === scope)
    for (const view of lacking) {
      view.isRefused = true
      view.say({ state: 'refused', fault: { kind: 'permission' } })
    }
    return lacking.length > 0 && this.#wanted().length > 0
  }

  #report(told: Told): void {
    this.#told = told
    if (told.fault?.kind === 'unreachable') void this.#lookAround()
    for (const tab of this.#tabs) tab.tell({ kind: 'connection', ...told })
    for (const view of this.#views.values()) {
      if (view.isRefused) continue
      if (told.state === 'paused' && !view.asked.resumes) view.startAnew()
      // When the connection is made anew for a new view, that view is connecting, not in trouble.
      const isFirst = this.#isSwitching && !view.isSettled
      view.say(isFirst && told.state === 'reconnecting' ? { state: 'connecting', fault: undefined } : told)
    }
  }

  /** The gateway may answer requests although streams fail. */
  async #lookAround(): Promise<void> {
    if ((await this.#options.canReach?.()) !== false) return
    for (const tab of this.#tabs) tab.say('cutOff')
  }

  /** The page is hidden when all tabs are hidden. */
  #visibility(): Visibility {
    return {
      isHidden: () => this.#areHidden(),
      onChange: (listener) => {
        this.#onVisibility = listener
        return () => {
          this.#onVisibility = () => {}
        }
      },
    }
  }

  #areHidden(): boolean {
    return this.#tabs.size > 0 && [...this.#tabs].every(({ isHidden }) => isHidden)
  }

  #lookAtTabs(): void {
    const areHidden = this.#areHidden()
    if (areHidden === this.#wasHidden) return
    this.#wasHidden = areHidden
    this.#onVisibility()
  }
}

function pathOf({ asked: { url }, position }: SharedView): string {
  if (position === '') return url
  return `${url}${url.includes('?') ? '&' : '?'}lastEventId=${encodeURIComponent(position)}`
}

/** Splits `2:message` into the index of the view and the rest; without index if the event belongs to the whole stream. */
function labelled(text: string): { readonly index: number; readonly rest: string } {
  const [, index = '', rest = ''] = /^(\d+):(.*)$/s.exec(text) ?? []
  return { index: index === '' ? -1 : Number(index), rest }
}
