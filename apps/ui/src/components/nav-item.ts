/** A place to go in the wallet's navigation. */
export type NavItem = {
  readonly to: string
  readonly label: string
  /** Where there is little room. */
  readonly shortLabel?: string
  readonly icon: string
  /** How many things wait there. */
  readonly badge?: number
}
