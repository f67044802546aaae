/** A process that holds many streams of events open and counts what comes. */
import { connect } from 'node:http2'
import { eventIdPattern, type SseDone, type SseExpect, type SseJob, type SseOpen, wallClock } from './sse-job.ts'

const eventMark = '\ndata:'

let expected = 0
let waiting = 0
let tookMs: number[] = []
let finish: (() => void) | undefined

process.once('disconnect', () => process.exit(0))
process.on('message', (message: SseJob | SseExpect) => {
  if (message.type === 'expect') expectEvents(message)
  else open(message).then(() => tell({ type: 'open' }), fail)
})
process.send?.({ type: 'ready' })

class Watched {
  count = 0
  #tail = ''

  take(chunk: string): void {
    const text = this.#tail + chunk
    const end = text.lastIndexOf('\n\n')
    if (end < 0) {
      this.#tail = text
      return
    }
    // What is whole is counted; a frame that is still coming waits.
    const whole = `\n${text.slice(0, end)}`
    this.#tail = text.slice(end + 2)
    for (let at = whole.indexOf(eventMark); at >= 0; at = whole.indexOf(eventMark, at + eventMark.length)) this.count++
    const now = wallClock()
    for (const [, micros] of whole.matchAll(eventIdPattern)) tookMs.push(now - Number(micros) / 1000)
    if (expected > 0 && this.count >= expected) this.#complete()
  }

  #complete(): void {
    this.count = Number.NEGATIVE_INFINITY
    waiting -= 1
    if (waiting === 0) finish?.()
  }
}

const streams: Watched[] = []

function expectEvents({ events, timeoutMs }: SseExpect): void {
  expected = events
  waiting = streams.length
  tookMs = []
  for (const stream of streams) stream.count = 0
  const timer = setTimeout(() => fail(new Error(`${waiting} streams did not get ${events} events`)), timeoutMs)
  finish = () => {
    clearTimeout(timer)
    tell({ type: 'done', at: wallClock(), tookMs })
  }
}

function open({ origin, ca, path, tokens, connections }: SseJob): Promise<unknown> {
  const sessions = Array.from({ length: connections }, () => connect(origin, { ca }))
  return Promise.all(
    tokens.map((token, index) => {
      const stream = new Watched()
      streams.push(stream)
      const request = sessions[index % connections]?.request({
        ':path': path,
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
      })
      if (request === undefined) throw new Error('there is no session')
      request.setEncoding('utf8')
      request.on('data', (chunk: string) => stream.take(chunk))
      request.on('error', fail)
      request.on('end', () => fail(new Error('a stream was ended')))
      return new Promise<void>((resolve, reject) => {
        request.on('response', (headers) => {
          if (headers[':status'] === 200) resolve()
          else reject(new Error(`a stream was answered with ${headers[':status']}`))
        })
      })
    }),
  )
}

function tell(message: SseOpen | SseDone): void {
  process.send?.(message)
}

function fail(error: unknown): void {
  console.error(error)
  process.exit(1)
}
