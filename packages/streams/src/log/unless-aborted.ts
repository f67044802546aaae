/**
 * The answer of a request, or a rejection as soon as the signal aborts. Only for requests that read: the group need not wait for an
 * answer that is no longer needed, but a request that changes something must end before the next generation.
 */
export async function unlessAborted<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  // A late answer may still be an error, which no longer matters.
  answer.catch(() => undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
