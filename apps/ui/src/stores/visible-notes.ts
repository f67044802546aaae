import { visibleText } from '../app/visible-text.ts'

/** A record whose note can be shown: somebody else may have written it. */
export function withVisibleNotes<Item extends { readonly notes?: string }>(item: Item): Item {
  return item.notes === undefined ? item : { ...item, notes: visibleText(item.notes) }
}
