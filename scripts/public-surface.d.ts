export type Example = {
  /** File and line of its tag. */
  readonly place: string
  /** Undefined if it is not between fences. */
  readonly code: string | undefined
}

export type Export = {
  /** `@streampay/kafka/wire`. */
  readonly entry: string
  readonly name: string
  readonly place: string
  readonly isDocumented: boolean
  readonly members: readonly { readonly name: string; readonly place: string; readonly isDocumented: boolean }[]
  readonly examples: readonly Example[]
}

/** @param root the folder of a repository */
export function publicSurface(root: string): Export[]
