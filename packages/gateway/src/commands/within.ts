/** The result of the promise, or undefined once the time is over; the promise itself continues. */
export async function within<T>(ms: number, promised: Promise<T>): Promise<T | undefined> {
  const { promise: timeUp, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  try {
    return await Promise.race([promised, timeUp])
  } finally {
    clearTimeout(timer)
  }
}
