/**
 * For records that no caller waits for, such as spans of traces: they are collected and sent together, so many cost little more than
 * one. Records that can't be sent are dropped and counted; the caller never waits.
 */
import type { Producer } from '../client.ts'
import type { RecordToSend } from '../types.ts'

/** Takes records that no caller waits for, and sends several at a time. */
export type BackgroundSender = {
  /** Takes a record, or drops it if `mostRecords` wait already. Records of one partition keep the order of the calls. */
  add(record: RecordToSend): void
  /** Sends the remaining records, and resolves when they are sent or dropped. It does not close the producer. */
  close(): Promise<void>
}

/** The producer, how often to send, and how many records may wait. */
export type BackgroundSenderOptions = {
  /** The caller closes it. */
  readonly producer: Pick<Producer, 'send'>
  /** How long the first record of a batch waits, in ms. */
  readonly everyMs: number
  /** How many records may wait, those being sent included. */
  readonly mostRecords: number
  /** Gets the number of records that are not sent, and the reason if it was an error of the log. */
  readonly onDropped: (count: number, reason?: unknown) => void
}

/**
 * Opens a sender that collects records for `everyMs` and sends them with one call. It never throws: `onDropped` gets
 * the records that are not sent. It does not keep the process alive.
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
