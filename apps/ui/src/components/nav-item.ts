/** An entry of the wallet's navigation. */
export type NavItem = {
  readonly to: string
  readonly label: string
  /** A shorter text, where there is little space. */
  readonly shortLabel?: string
  readonly icon: string
  /** The number on its badge. */
  readonly badge?: number
}
