import type { Problem } from '../api/types.ts'
import {
  EventConnection,
  type EventConnectionOptions,
  type ServerEvent,
  type StreamFault,
  type StreamState,
} from './event-connection.ts'
import { createInbox, type InboxHandlers } from './inbox.ts'
import { deliver } from './live-stream.ts'

/**
 * All views that a page shows, on one connection: over HTTP/1.1 a browser has six for all its tabs. Each view keeps its own
 * position, so that a connection can be made anew for another set of views (and is, when a page opens or closes some) with
 * nothing lost and nothing repeated.
 */
export type HubView = InboxHandlers & {
  /** Path and query. */
  readonly url: () => string
  /** The permission that it needs. */
  readonly scope: string
  /**
   * Whether a page that nobody saw for a while has to be given all that happened meanwhile; otherwise the newest records are
   * enough, and the view begins anew.
   */
  readonly resumes: boolean
  /** It begins anew: what follows up to `onSettled` is all there is. */
  readonly onRestart: () => void
  readonly onSettled: () => void
  readonly onState: (state: StreamState, fault: StreamFault | undefined) => void
}

export type HubOptions = Pick<EventConnectionOptions, 'tokens' | 'fetch' | 'visibility' | 'random'> & {
  /** Of the one connection, for the page's banner. */
  readonly onState: (state: StreamState, fault: StreamFault | undefined) => void
}

export type HubHandle = { readonly close: () => void; readonly retry: () => void }

/** A page that is left closes its views just before the next one opens its own: one new connection serves both. */
const gatherMs = 20
/** What is no longer shown may go on for a moment; closing it is not urgent. */
const leaveMs = 1_000
const maxViews = 16

type Member = {
  readonly view: HubView
  readonly inbox: ReturnType<typeof createInbox>
  position: string
  isSettled: boolean
  isRefused: boolean
}

export class LiveHub {
  readonly #options: HubOptions
  readonly #members = new Set<Member>()
  /** Those on the connection, by their place in its request. */
  #asked: readonly Member[] = []
  #connection: EventConnection | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isSwitching = false

  constructor(options: HubOptions) {
    this.#options = options
  }

  open(view: HubView): HubHandle {
    const inbox = createInbox(view)
    const member: Member = { view, inbox, position: '', isSettled: false, isRefused: false }
    this.#members.add(member)
    view.onRestart()
    view.onState('connecting', undefined)
    this.#changeSoon(gatherMs)
    return { close: () => this.#close(member), retry: () => this.#retry(member) }
  }

  /** The connection again, after the network or the session came back. */
  reconnect(): void {
    for (const member of this.#members) member.isRefused = false
    if (this.#members.size > 0 && this.#connection?.state !== 'paused') this.#connect('reconnecting')
  }

  #close(member: Member): void {
    member.inbox.drop()
    if (!this.#members.delete(member)) return
    member.view.onState('closed', undefined)
    if (this.#timer === undefined) this.#changeSoon(leaveMs)
  }

  /** Tries again at once, all views: they are on one connection. */
  #retry(member: Member): void {
    member.isRefused = false
    this.#connect('connecting')
  }

  #changeSoon(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const wanted = this.#wanted()
      const isSame = wanted.length === this.#asked.length && wanted.every((member) => this.#asked.includes(member))
      if (isSame) return
      this.#isSwitching = true
      this.#connect('reconnecting')
      this.#isSwitching = false
    }, delayMs)
  }

  #wanted(): readonly Member[] {
    return [...this.#members].filter(({ isRefused }) => !isRefused).slice(0, maxViews)
  }

  #connect(state: 'connecting' | 'reconnecting'): void {
    if (this.#wanted().length === 0) {
      this.#connection?.close()
      this.#connection = undefined
      this.#asked = []
    } else if (this.#connection === undefined) this.#connection = this.#openConnection()
    else this.#connection.restart(state)
  }

  #openConnection(): EventConnection {
    const { onState: _onState, ...connecting } = this.#options
    return new EventConnection({
      ...connecting,
      request: () => {
        this.#asked = this.#wanted()
        const query = this.#asked.map((member) => `view=${encodeURIComponent(pathOf(member))}`)
        return { url: `/live?${query.join('&')}` }
      },
      onId: (id) => {
        const { index, rest } = labelled(id)
        const member = this.#asked[index]
        if (member !== undefined) member.position = rest
      },
      onEvent: (event) => this.#onEvent(event),
      onBadPosition: () => {
        for (const member of this.#asked) startAnew(member)
      },
      onForbidden: (problem) => this.#onForbidden(problem),
      onState: (state, fault) => this.#report(state, fault),
    })
  }

  #onEvent({ type, data }: ServerEvent): void {
    const { index, rest } = labelled(type)
    const member = this.#asked[index]
    if (member === undefined || !this.#members.has(member)) return
    if (rest === 'reset') startAnew(member)
    else deliver(member.inbox, { type: rest, data }, () => settle(member))
  }

  #onForbidden({ scope }: Problem): boolean {
    const lacking = this.#asked.filter(({ view }) => scope === undefined || view.scope === scope)
    for (const member of lacking) {
      member.isRefused = true
      member.view.onState('refused', { kind: 'permission' })
    }
    return lacking.length > 0 && this.#wanted().length > 0
  }

  #report(state: StreamState, fault: StreamFault | undefined): void {
    for (const member of this.#members) {
      if (member.isRefused) continue
      if (state === 'paused' && !member.view.resumes) startAnew(member)
      // A view that is new to the page is on its way, not in trouble, when the connection is made anew for it.
      const isFirst = this.#isSwitching && !member.isSettled
      member.view.onState(isFirst && state === 'reconnecting' ? 'connecting' : state, fault)
    }
    this.#options.onState(state, fault)
  }
}

function startAnew(member: Member): void {
  member.position = ''
  member.inbox.drop()
  member.view.onRestart()
}

function settle(member: Member): void {
  member.isSettled = true
  member.view.onSettled()
}

function pathOf({ view, position }: Member): string {
  const url = view.url()
  if (position === '') return url
  return `${url}${url.includes('?') ? '&' : '?'}lastEventId=${encodeURIComponent(position)}`
}

/** `2:message` as its place and the rest; no place in what belongs to the whole stream. */
function labelled(text: string): { readonly index: number; readonly rest: string } {
  const [, index = '', rest = ''] = /^(\d+):(.*)$/s.exec(text) ?? []
  return { index: index === '' ? -1 : Number(index), rest }
}
