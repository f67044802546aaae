import type { Port, TabEvent, ToHub, ToTab } from './conversation.ts'
import type { SharedView } from './shared-view.ts'

/** Events that arrive within this time go to the tab as one message, and are rendered once. */
const gatherMs = 40
/** This many events are sent without waiting for more. */
const fullMessage = 500
/** The most events that wait for a tab that takes nothing: it is frozen, or gone without notice. */
export const mostWaiting = 5_000

/**
 * The hub's state of a tab: the views that it shows, and the events that it has not taken yet. If too much waits for a tab that takes
 * nothing, it gets the present rows when it takes something again.
 */
export class Tab {
  isHidden = false
  readonly views = new Map<number, SharedView>()
  readonly #port: Port<ToHub, ToTab>
  /** Views of which it needs all rows. */
  readonly #behind = new Set<number>()
  #waiting: TabEvent[] = []
  #isTaking = false
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Whether the waiting events are to be sent at once. */
  #isUrgent = false

  constructor(port: Port<ToHub, ToTab>) {
    this.#port = port
  }

  follow(view: number, shared: SharedView): void {
    this.views.set(view, shared)
    this.#behind.add(view)
    this.#flushSoon(true)
  }

  unfollow(view: number): void {
    this.views.delete(view)
    this.#behind.delete(view)
  }

  tell(event: TabEvent): void {
    // All rows are sent later, and this one is among them.
    if ('view' in event && this.#behind.has(event.view)) return
    this.#waiting.push(event)
    if (this.#waiting.length > mostWaiting) this.#fallBehind()
    if (this.#waiting.length >= fullMessage) this.#flush()
    else this.#flushSoon(event.kind !== 'record' && event.kind !== 'delete')
  }

  taken(): void {
    this.#isTaking = false
    if (this.#isUrgent || this.#waiting.length >= fullMessage) this.#flush()
    else if (this.#waiting.length > 0) this.#flushSoon(false)
  }

  say(kind: 'full' | 'cutOff'): void {
    this.#port.postMessage({ kind })
  }

  askForToken(ask: number, refused: string | undefined): void {
    this.#port.postMessage({ kind: 'token', ask, refused })
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#port.onmessage = null
    this.#port.close()
  }

  #fallBehind(): void {
    for (const view of this.views.keys()) this.#behind.add(view)
    this.#isUrgent = true
    this.#waiting = this.#waiting.filter(({ kind }) => kind === 'connection').slice(-1)
  }

  /** Urgent events are sent in the next turn, together with what arrived with them. */
  #flushSoon(isUrgent: boolean): void {
    if (isUrgent && !this.#isUrgent) {
      this.#isUrgent = true
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#flush(), 0)
    } else this.#timer ??= setTimeout(() => this.#flush(), gatherMs)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isTaking) return
    this.#isUrgent = false
    const events: TabEvent[] = []
    for (const view of this.#behind) events.push(...(this.views.get(view)?.snapshot(view) ?? []))
    events.push(...this.#waiting)
    this.#behind.clear()
    this.#waiting = []
    if (events.length === 0) return
    this.#isTaking = true
    this.#port.postMessage({ kind: 'events', events })
  }
}
