/**
 * What was asked for, or a rejection as soon as the signal aborts. For questions alone: the group need not wait for an answer
 * that has lost its use, but what changes anything has to be over before the next generation.
 */
export async function unlessAborted<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  // Asked too late, it may still fail; that is no fault of anybody's then.
  answer.catch(() => undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
