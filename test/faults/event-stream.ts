/**
 * Parses Server-Sent Events from text, as the HTML standard of the WHATWG defines them (section 9.2.6), and positions
 * from their ids.
 */

export type StreamEvent = {
  readonly event: string
  /** Undefined for an event that only moves the position. */
  readonly data: string | undefined
  /** The id of this event or, as in EventSource, the last one before it. */
  readonly lastEventId: string
}

/** Takes chunks of text and gives each event once it is complete. One for each response. */
export class EventStreamParser {
  #rest = ''
  #lastEventId: string

  constructor(lastEventId: string) {
    this.#lastEventId = lastEventId
  }

  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = []
    this.#rest += text
    for (let end = this.#rest.indexOf('\n\n'); end !== -1; end = this.#rest.indexOf('\n\n')) {
      const event = this.#eventOf(this.#rest.slice(0, end))
      this.#rest = this.#rest.slice(end + 2)
      if (event !== undefined) events.push(event)
    }
    return events
  }

  #eventOf(block: string): StreamEvent | undefined {
    let event = 'message'
    let hasId = false
    const data: string[] = []
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':')
      const field = colon === -1 ? line : line.slice(0, colon)
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'event') event = value
      if (field === 'data') data.push(value)
      if (field === 'id') {
        hasId = true
        this.#lastEventId = value
      }
    }
    if (data.length === 0 && !hasId) return undefined
    return { event, data: data.length === 0 ? undefined : data.join('\n'), lastEventId: this.#lastEventId }
  }
}

/** The next offset of each partition. @throws Error for an id that no gateway made */
export function offsetsOf(eventId: string): number[] {
  const offsets = (eventId.split(':')[3] ?? '').split(',').map((text) => Number.parseInt(text, 36))
  if (offsets.every((offset) => Number.isSafeInteger(offset))) return offsets
  throw new Error(`"${eventId}" is not a position`)
}
