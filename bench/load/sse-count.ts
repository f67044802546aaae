/** Counts the events on the streams of one process. */
import { eventIdPattern, type SseDone, type SseExpect, wallClock } from './sse-job.ts'

const eventMark = '\ndata:'
/** An event is split only at its end, so at most this much of its mark may be cut. */
const longestPart = eventMark.length - 1

export class SseCount {
  readonly #streams: { events: number; tail: string }[] = []
  #expect: SseExpect | undefined
  #onDone: (done: SseDone) => void = () => undefined
  #waiting = 0
  #bytes = 0
  #tookMs: number[] = []

  /** One stream: takes received bytes, a byte a character. */
  stream(): (text: string) => void {
    const stream = { events: 0, tail: '' }
    this.#streams.push(stream)
    return (text) => this.#take(stream, text)
  }

  expect(expect: SseExpect, onDone: (done: SseDone) => void): void {
    this.#expect = expect
    this.#onDone = onDone
    this.#waiting = this.#streams.length
    this.#bytes = 0
    this.#tookMs = []
    for (const stream of this.#streams) stream.events = 0
  }

  /** How many streams have not received all yet. */
  get waiting(): number {
    return this.#waiting
  }

  #take(stream: { events: number; tail: string }, chunk: string): void {
    this.#bytes += chunk.length
    const text = stream.tail + chunk
    const isTimed = this.#expect?.isTimed === true
    // An id lies behind the mark of its event: where ids count, an event waits until it is whole.
    const end = isTimed ? text.lastIndexOf('\n\n') + 1 : text.length
    const before = stream.events
    for (let at = text.indexOf(eventMark); at >= 0 && at < end; at = text.indexOf(eventMark, at + eventMark.length)) {
      stream.events++
    }
    stream.tail = isTimed ? text.slice(end) : text.slice(-longestPart)
    if (isTimed) {
      const now = wallClock()
      for (const [, micros] of text.slice(0, end).matchAll(eventIdPattern))
        this.#tookMs.push(now - Number(micros) / 1000)
    }
    const { events = Number.POSITIVE_INFINITY } = this.#expect ?? {}
    if (before >= events || stream.events < events) return
    this.#waiting -= 1
    if (this.#waiting === 0) {
      this.#onDone({ type: 'done', at: wallClock(), tookMs: this.#tookMs, bytes: this.#bytes })
    }
  }
}
