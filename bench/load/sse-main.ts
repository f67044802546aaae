/** A process that keeps many event streams open and counts their events. */
import { SseCount } from './sse-count.ts'
import type { SseDone, SseExpect, SseJob, SseOpen } from './sse-job.ts'
import { openStreams } from './sse-streams.ts'

const count = new SseCount()

process.once('disconnect', () => process.exit(0))
process.on('message', (message: SseJob | SseExpect) => {
  if (message.type === 'expect') expectEvents(message)
  else openStreams(message, { stream: () => count.stream(), onEnd: fail }).then(() => tell({ type: 'open' }), fail)
})
process.send?.({ type: 'ready' })

function expectEvents(expect: SseExpect): void {
  const { events, timeoutMs } = expect
  const timer = setTimeout(
    () => fail(new Error(`${count.waiting} streams did not get ${events} events in ${timeoutMs} ms`)),
    timeoutMs,
  )
  count.expect(expect, (done) => {
    clearTimeout(timer)
    tell(done)
  })
}

function tell(message: SseOpen | SseDone): void {
  process.send?.(message)
}

function fail(error: unknown): void {
  console.error(error)
  process.exit(1)
}
