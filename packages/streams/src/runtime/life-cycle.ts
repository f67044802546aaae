/**
 * The states of a running topology.
 *
 *     starting ──► joining ──► restoring ──► running          starting:  topics checked, global tables read to their end
 *        │           ▲  │         │  │          │             joining:   waiting for the group's next generation
 *        │           │  │         │  └─revoked──┤             restoring: stores and offsets of the assigned tasks
 *        │           └──┼─────────┴─────────────┘
 *        ▼              ▼  (from every state above)
 *     closing ──► closed                       failed: a fault after which only a restart helps; also from closing
 */
export type RuntimeState = 'starting' | 'joining' | 'restoring' | 'running' | 'closing' | 'closed' | 'failed'

const allowed: Readonly<Record<RuntimeState, readonly RuntimeState[]>> = {
  starting: ['joining', 'closing', 'failed'],
  joining: ['restoring', 'closing', 'failed'],
  restoring: ['running', 'joining', 'closing', 'failed'],
  running: ['joining', 'closing', 'failed'],
  closing: ['closed', 'failed'],
  closed: [],
  failed: [],
}

export class LifeCycle {
  #state: RuntimeState = 'starting'

  get state(): RuntimeState {
    return this.#state
  }

  /** Whether work may still begin. */
  get over(): boolean {
    return this.#state === 'closing' || this.#state === 'closed' || this.#state === 'failed'
  }

  /** Enters a state; if no transition leads there, it stays in the present state and returns false. */
  enter(next: RuntimeState): boolean {
    if (!allowed[this.#state].includes(next)) return false
    this.#state = next
    return true
  }
}
