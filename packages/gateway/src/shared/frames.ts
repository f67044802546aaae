/** Server-Sent Events as bytes (WHATWG HTML, section 9.2). */

/**
 * The prefix of the name and the id of an event: empty if a stream shows one view, `<index>:` if it
 * shows several.
 */
export type Label = '' | `${number}:`

export type Event = {
  readonly label?: Label
  readonly id?: string
  readonly event?: string
  readonly data: string
}

/** A line break inside data would end the field: each of its lines becomes a `data` line. */
export function encodeEvent({ label = '', id, event, data }: Event): Buffer {
  let text = ''
  if (event !== undefined || label !== '') text += `event: ${label}${event ?? 'message'}\n`
  if (id !== undefined) text += `id: ${label}${id}\n`
  return Buffer.from(`${text}${dataLines(data)}\n`)
}

/** An event without data: EventSource remembers the id and dispatches nothing. */
export function encodeHeartbeat(id: string, label: Label = ''): Buffer {
  return Buffer.from(`id: ${label}${id}\n\n`)
}

export function encodeRetry(retryMs: number): Buffer {
  return Buffer.from(`retry: ${retryMs}\n\n`)
}

function dataLines(data: string): string {
  if (!/[\r\n]/.test(data)) return `data: ${data}\n`
  return data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')
}
