/**
 * Delays the responses of one connection until the earlier ones are written: Kafka's clients match responses to
 * requests by order. A place is taken when a request arrives, and filled when its handler is done.
 */
type Place = { frames: readonly Buffer[] | null; done: boolean }

export class ResponseQueue {
  readonly #write: (frames: readonly Buffer[]) => void
  readonly #places: Place[] = []
  #bytes = 0

  constructor(write: (frames: readonly Buffer[]) => void) {
    this.#write = write
  }

  /** Requests that have no response yet. */
  get length(): number {
    return this.#places.length
  }

  /** The bytes of responses that wait for earlier ones. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes the next place. The returned function fills it; null means "no response". */
  reserve(): (frames: readonly Buffer[] | null) => void {
    const place: Place = { frames: null, done: false }
    this.#places.push(place)
    return (frames) => {
      place.frames = frames
      place.done = true
      this.#bytes += sizeOf(place)
      this.#flush()
    }
  }

  #flush(): void {
    while (this.#places[0]?.done) {
      const place = this.#places.shift()
      if (place === undefined) return
      this.#bytes -= sizeOf(place)
      if (place.frames) this.#write(place.frames)
    }
  }
}

function sizeOf({ frames }: Place): number {
  return frames?.reduce((sum, frame) => sum + frame.length, 0) ?? 0
}
