/** To the launcher: that the service is ready, or what a person at the terminal has to know. */
type Message = { readonly type: 'ready'; readonly detail: string } | { readonly type: 'warning'; readonly text: string }

/** Does nothing without a parent that listens: it may be gone by now, and its end is told by `onStopRequest`. */
export function tellParent(message: Message): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}
