/** What was promised, or undefined once the time is up; the promise itself goes on. */
export async function within<T>(ms: number, promised: Promise<T>): Promise<T | undefined> {
  const { promise: timeUp, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  try {
    return await Promise.race([promised, timeUp])
  } finally {
    clearTimeout(timer)
  }
}
