/** Whether the page is visible to a person. */
export type Visibility = {
  readonly isHidden: () => boolean
  /** @returns how to stop listening */
  readonly onChange: (listener: () => void) => () => void
}

/** The visibility of this page (Page Visibility, W3C); outside of a browser it is always visible. */
export const pageVisibility: Visibility = {
  isHidden: () => globalThis.document?.hidden ?? false,
  onChange(listener) {
    globalThis.document?.addEventListener('visibilitychange', listener)
    return () => globalThis.document?.removeEventListener('visibilitychange', listener)
  },
}
