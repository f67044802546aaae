/**
 * Records that nothing waits for, such as spans of traces: they are gathered and sent together, so that many cost little more than one.
 * What can't be sent is dropped and counted; the caller is never held up.
 */
import type { Producer } from '../client.ts'
import type { RecordToSend } from '../types.ts'

/** Takes records that nothing waits for, and sends them some at a time. */
export type BackgroundSender = {
  /** Takes a record, or drops it if as many as may be wait already. Records of one partition keep the order of the calls. */
  add(record: RecordToSend): void
  /** Sends what is left, and resolves when it is sent or dropped. The producer stays the caller's to close. */
  close(): Promise<void>
}

/** Through which producer, how often, and how many may wait. */
export type BackgroundSenderOptions = {
  /** Stays the caller's to close. */
  readonly producer: Pick<Producer, 'send'>
  /** How long the first of those that go together waits, in ms. */
  readonly everyMs: number
  /** How many may wait, those under way included. */
  readonly mostRecords: number
  /** Told of records that are not sent, and why if it was the log. */
  readonly onDropped: (count: number, reason?: unknown) => void
}

/**
 * A sender that gathers records for `everyMs` and sends them with one call. It never throws: what is not sent is told
 * to `onDropped`. It does not keep the process alive.
 */
export function openBackgroundSender(options: BackgroundSenderOptions): BackgroundSender {
  const { producer, everyMs, mostRecords, onDropped } = options
  let gathered: RecordToSend[] = []
  let underWay = 0
  let sending: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  const send = () => {
    clearTimeout(timer)
    timer = undefined
    const records = gathered
    if (records.length === 0) return
    gathered = []
    underWay += records.length
    const sent = producer.send(records).then(
      () => undefined,
      (error: unknown) => onDropped(records.length, error),
    )
    const ended = sent.finally(() => {
      underWay -= records.length
    })
    sending = Promise.all([sending, ended]).then(() => undefined)
  }

  return {
    add(record) {
      if (gathered.length + underWay >= mostRecords) return onDropped(1)
      gathered.push(record)
      timer ??= setTimeout(send, everyMs).unref()
    },
    async close() {
      send()
      await sending
    },
  }
}
