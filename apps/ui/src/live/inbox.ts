type Arrival =
  | { readonly kind: 'record'; readonly value: unknown }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'reset' }

export type InboxHandlers = {
  /** Records in the order of the log that arrived within one batch; never an empty list. */
  readonly onRecords: (records: readonly unknown[]) => void
  /** The record of this key left the view. */
  readonly onDelete?: (key: string) => void
  /** The position can't be continued: everything shown is void, history follows again. */
  readonly onReset: () => void
}

const gatherMs = 40

/** Gathers the events of a short time, so that a thousand records of history are rendered once. The order is kept. */
export function createInbox(handlers: InboxHandlers) {
  let waiting: Arrival[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function add(arrival: Arrival): void {
    waiting.push(arrival)
    timer ??= setTimeout(flush, gatherMs)
  }

  function flush(): void {
    const arrivals = waiting
    drop()
    let records: unknown[] = []
    const deliver = () => {
      if (records.length > 0) handlers.onRecords(records)
      records = []
    }
    for (const arrival of arrivals) {
      if (arrival.kind === 'record') {
        records.push(arrival.value)
        continue
      }
      deliver()
      if (arrival.kind === 'delete') handlers.onDelete?.(arrival.key)
      else handlers.onReset()
    }
    deliver()
  }

  function drop(): void {
    clearTimeout(timer)
    timer = undefined
    waiting = []
  }

  return { add, flush, drop }
}
