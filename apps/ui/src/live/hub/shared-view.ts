import type { AskedView, TabEvent, Told } from './conversation.ts'
import { keyOf } from './record-key.ts'

/** A tab that shows the view, with the tab's own number for the view. */
type Viewer = { readonly tab: { readonly tell: (event: TabEvent) => void }; readonly view: number }

/** Rows kept of a view that is requested without a bound; such views have one row, or few. */
const mostRows = 1_000

/**
 * One view on the connection, for all tabs that show it. It keeps the rows that the gateway would give to a new client, so that a tab that
 * joins costs the gateway nothing: the newest `last`, by key, in the order of the log.
 */
export class SharedView {
  readonly asked: AskedView
  readonly #viewers = new Set<Viewer>()
  /** The position from which the connection continues; empty before the first record. */
  position = ''
  isSettled = false
  isRefused = false
  #told: Told = { state: 'connecting', fault: undefined }
  readonly #rows = new Map<string, string>()
  readonly #maxRows: number

  constructor(asked: AskedView) {
    this.asked = asked
    this.#maxRows = Number(new URLSearchParams(asked.url.split('?')[1]).get('last') ?? mostRows)
  }

  get isShown(): boolean {
    return this.#viewers.size > 0
  }

  showTo(viewer: Viewer): void {
    this.#viewers.add(viewer)
  }

  hideFrom({ tab, view }: Viewer): void {
    for (const viewer of this.#viewers) if (viewer.tab === tab && viewer.view === view) this.#viewers.delete(viewer)
  }

  take(data: string): void {
    const key = keyOf(JSON.parse(data) as object, this.asked.key)
    this.#rows.delete(key)
    this.#rows.set(key, data)
    const [oldest] = this.#rows.keys()
    if (this.#rows.size > this.#maxRows && oldest !== undefined) this.#rows.delete(oldest)
    this.#tell((view) => ({ kind: 'record', view, data }))
  }

  drop(key: string): void {
    this.#rows.delete(key)
    this.#tell((view) => ({ kind: 'delete', view, key }))
  }

  settle(): void {
    this.isSettled = true
    this.#tell((view) => ({ kind: 'settled', view }))
  }

  /** The rows so far are void: history follows from the beginning. */
  startAnew(): void {
    this.position = ''
    this.isSettled = false
    this.#rows.clear()
    this.#tell((view) => ({ kind: 'restart', view }))
  }

  say(told: Told): void {
    this.#told = told
    this.#tell((view) => ({ kind: 'state', view, ...told }))
  }

  /** All rows, for a tab that has none of the view yet. */
  *snapshot(view: number): Iterable<TabEvent> {
    yield { kind: 'restart', view }
    yield { kind: 'state', view, ...this.#told }
    for (const data of this.#rows.values()) yield { kind: 'record', view, data }
    if (this.isSettled) yield { kind: 'settled', view }
  }

  #tell(eventOf: (view: number) => TabEvent): void {
    for (const { tab, view } of this.#viewers) tab.tell(eventOf(view))
  }
}
