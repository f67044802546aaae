/** Messages to the launcher: that the service is ready, or information for the user at the terminal. */
type Message = { readonly type: 'ready'; readonly detail: string } | { readonly type: 'warning'; readonly text: string }

/** Does nothing without a parent that listens: it may have ended, which `onStopRequest` reports. */
export function tellParent(message: Message): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}
