/** An event stream as a test reads it: what came so far, and what it waits for. */
import type { Readable } from 'node:stream'

export type TestEvent = { readonly id: string | undefined; readonly event: string; readonly data: string | undefined }

export type TestStream = {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** Events with data so far. */
  readonly events: readonly TestEvent[]
  /** The ids of all events so far, heartbeats included. */
  readonly ids: readonly string[]
  /** The id of the last event of any kind. */
  readonly lastId: () => string | undefined
  /** Heartbeats so far. */
  readonly heartbeats: () => number
  /** Resolves with the first event (from the `after`-th on) that fits; rejects when the stream ends before. */
  readonly event: (fits: (event: TestEvent) => boolean, after?: number) => Promise<TestEvent>
  /** Resolves with all data of messages once the history is complete. */
  readonly caughtUp: () => Promise<unknown[]>
  /** Parsed data of all messages so far. */
  readonly values: () => unknown[]
  readonly nextHeartbeat: () => Promise<string>
  readonly ended: Promise<void>
  readonly isEnded: () => boolean
  readonly pause: () => void
  readonly resume: () => void
  readonly close: () => void
}

type Head = { readonly status: number; readonly headers: Record<string, unknown>; readonly end: () => void }

export function openTestStream(body: Readable, { status, headers, end }: Head): TestStream {
  const events: TestEvent[] = []
  const ids: string[] = []
  let beats = 0
  let isEnded = false
  const watchers = new Set<() => void>()
  const notify = () => {
    for (const watcher of [...watchers]) watcher()
  }
  let text = ''
  body.setEncoding('utf8')
  body.on('data', (chunk: string) => {
    text += chunk
    for (let at = text.indexOf('\n\n'); at !== -1; at = text.indexOf('\n\n')) {
      const event = parseEvent(text.slice(0, at))
      text = text.slice(at + 2)
      if (event.id !== undefined) ids.push(event.id)
      if (event.data !== undefined) events.push(event)
      else if (event.id !== undefined) beats++
    }
    notify()
  })
  const ended = new Promise<void>((resolve) => {
    const finish = () => {
      isEnded = true
      notify()
      resolve()
    }
    body.on('close', finish)
    body.on('end', finish)
    body.on('error', finish)
  })
  const until = <T>(find: () => T | undefined, what: string) =>
    new Promise<T>((resolve, reject) => {
      const check = () => {
        const found = find()
        if (found !== undefined) resolve(found)
        else if (isEnded) reject(new Error(`The stream ended before ${what}; it had ${JSON.stringify(events)}`))
        else return
        watchers.delete(check)
      }
      watchers.add(check)
      check()
    })
  const values = () =>
    events.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data ?? '') as unknown)
  return {
    status,
    headers,
    events,
    ids,
    lastId: () => ids.at(-1),
    heartbeats: () => beats,
    event: (fits, after = 0) => until(() => events.slice(after).find(fits), 'the event'),
    caughtUp: async () => {
      await until(() => events.find(({ event }) => event === 'caught-up'), 'it had caught up')
      return values()
    },
    values,
    nextHeartbeat: () => {
      const before = beats
      return until(() => (beats > before ? ids.at(-1) : undefined), 'a heartbeat')
    },
    ended,
    isEnded: () => isEnded,
    pause: () => body.pause(),
    resume: () => body.resume(),
    close: end,
  }
}

function parseEvent(block: string): TestEvent {
  let id: string | undefined
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w*): ?(.*)$/.exec(line) ?? []
    if (field === 'id') id = value
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
  }
  return { id, event, data: data.length === 0 ? undefined : data.join('\n') }
}
