/** Server-Sent Events as bytes (WHATWG HTML, section 9.2). */

/** A line break inside data would end the field: each line of it becomes a `data` line of its own. */
export function encodeEvent(event: { readonly id?: string; readonly event?: string; readonly data: string }): Buffer {
  let text = ''
  if (event.event !== undefined) text += `event: ${event.event}\n`
  if (event.id !== undefined) text += `id: ${event.id}\n`
  return Buffer.from(`${text}${dataLines(event.data)}\n`)
}

/** An event without data: EventSource remembers the id and dispatches nothing. */
export function encodeHeartbeat(id: string): Buffer {
  return Buffer.from(`id: ${id}\n\n`)
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
