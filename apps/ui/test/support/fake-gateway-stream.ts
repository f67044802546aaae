/** A `fetch` that opens event streams and lets the test write to them. */
export type OpenedStream = {
  readonly url: string
  readonly method: string
  readonly token: string | null
  readonly lastEventId: string | null
  readonly body: string | null
  readonly signal: AbortSignal | undefined
  readonly send: (text: string) => void
  readonly end: () => void
  /** Breaks as a lost connection does. */
  readonly cut: () => void
}

/** @param answerOf the status of an answer, 0 for none, or the answer itself */
export function fakeStreams(answerOf: (opened: OpenedStream, count: number) => number | Response = () => 200) {
  const opened: OpenedStream[] = []
  const waiting: (() => void)[] = []

  const fetchLike = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const headers = new Headers(init?.headers)
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    // A stream that the page has left refuses writes; a test expects that, so it is no fault.
    const ignore = () => {}
    const stream: OpenedStream = {
      url: String(input),
      method: init?.method ?? 'GET',
      token: headers.get('authorization'),
      lastEventId: headers.get('last-event-id'),
      body: typeof init?.body === 'string' ? init.body : null,
      signal: init?.signal ?? undefined,
      send: (text) => void writer.write(new TextEncoder().encode(text)).catch(ignore),
      end: () => void writer.close().catch(ignore),
      cut: () => void writer.abort(new TypeError('network error')).catch(ignore),
    }
    opened.push(stream)
    const status = answerOf(stream, opened.length)
    for (const wake of waiting.splice(0)) wake()
    if (status instanceof Response) return status
    if (status === 0) {
      return new Promise<Response>((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    }
    if (status !== 200) return new Response(null, { status })
    return new Response(readable, { headers: { 'content-type': 'text/event-stream' } })
  }

  /** Resolves with the n-th request (from 1) once it was made. */
  async function request(count: number): Promise<OpenedStream> {
    while (opened.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
    const found = opened[count - 1]
    if (found === undefined) throw new Error(`there is no request ${count}`)
    return found
  }

  return { fetchLike: fetchLike as typeof fetch, opened, request }
}
