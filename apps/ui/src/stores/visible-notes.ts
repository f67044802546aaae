import { visibleText } from '../app/visible-text.ts'

/** A record whose note is made safe to show: another person may have written it. */
export function withVisibleNotes<Item extends { readonly notes?: string }>(item: Item): Item {
  return item.notes === undefined ? item : { ...item, notes: visibleText(item.notes) }
}
