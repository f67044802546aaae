/** The two directions of the channel between a service and the process that started it. */

/** To the parent: that the service is ready, and how; or a warning for the user at the terminal. */
export type Message =
  | { readonly type: 'ready'; readonly detail: string }
  | { readonly type: 'warning'; readonly text: string }

/** Does nothing without a parent that listens: it may have ended, which `onStopRequest` reports. */
export function tellParent(message: Message): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

/**
 * Calls back once, with the reason: SIGTERM, SIGINT, or the end of the channel to the parent, which means that the parent
 * has ended and that no other process will end this one. A channel that closed before this call counts as well.
 */
export function onStopRequest(stop: (reason: string) => void): void {
  let isRequested = false
  const request = (reason: string) => {
    if (isRequested) return
    isRequested = true
    stop(reason)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => request(signal))
  const parentIsGone = () => request('the parent process is gone')
  process.on('disconnect', parentIsGone)
  if (process.send !== undefined && !process.connected) setImmediate(parentIsGone)
}
