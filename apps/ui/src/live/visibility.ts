/** Whether somebody can see the page. */
export type Visibility = {
  readonly isHidden: () => boolean
  /** @returns how to stop listening */
  readonly onChange: (listener: () => void) => () => void
}

/** Of this page (Page Visibility, W3C); outside of a browser everything is seen. */
export const pageVisibility: Visibility = {
  isHidden: () => globalThis.document?.hidden ?? false,
  onChange(listener) {
    globalThis.document?.addEventListener('visibilitychange', listener)
    return () => globalThis.document?.removeEventListener('visibilitychange', listener)
  },
}
