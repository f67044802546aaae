import { type FunctionalComponent, h } from 'vue'
import { I18nT } from 'vue-i18n'
import type { NameIn, Texts, Translate } from './i18n.ts'

type TextPartsProps<Name> = {
  /** The name of the text. */
  readonly text: Name
  /** The element around it; none by default. */
  readonly tag?: string
  /** Chooses between singular and plural. */
  readonly count?: number | undefined
}

/**
 * A component that shows a text with elements in it: the slot with the name of a value of the text stands in the place of that value.
 * @param _translate names the area of the texts by its type; it exists only once they are loaded
 */
export function textPartsOf<T extends Texts>(_translate: Translate<T>) {
  // biome-ignore lint/suspicious/noExplicitAny: a text may have any value, and so a slot of any name.
  const TextParts: FunctionalComponent<TextPartsProps<NameIn<T>>, Record<never, never>, any> = (
    { text, tag, count },
    { slots },
  ) =>
    h(
      I18nT,
      { keypath: text, scope: 'global', ...(tag && { tag }), ...(count !== undefined && { plural: count }) },
      slots,
    )
  TextParts.props = ['text', 'tag', 'count']
  return TextParts
}
