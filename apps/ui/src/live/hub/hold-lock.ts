/** Holds a lock (Web Locks, W3C) until it is released or its holder has ended. Resolves once it is held. */
export function holdLock(name: string): Promise<{ readonly name: string; readonly release: () => void }> {
  return new Promise((resolve, reject) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    navigator.locks
      .request(name, () => {
        resolve({ name, release })
        return released
      })
      .catch(reject)
  })
}
