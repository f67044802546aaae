/**
 * Text that somebody else chose, made safe to look at. Records from before the edge refused them may hold characters that
 * nobody sees: controls, marks that turn the direction of what follows, blanks of no width. With them one name passes for
 * another, or turns an amount around (Unicode Technical Report 36, sections 2.5 and 2.10).
 *
 * Left alone: the joiners and variation selectors that scripts and emoji need, and line breaks, which a page shows as blanks.
 */
const unseen =
  /(?![\t\n]|\u200C|\u200D|[\uFE00-\uFE0F])[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu
const maxMarks = 4
const tooManyMarks = new RegExp(`(\\p{M}{${maxMarks}})\\p{M}+`, 'gu')

/** The text with a visible sign in place of whatever can't be seen, and no more marks on a letter than a script needs. */
export function visibleText(text: string): string {
  return text.replace(unseen, '\uFFFD').replace(tooManyMarks, '$1')
}

/** The text with each unseen character as JSON escapes it: for the console, which shows what a record really holds. */
export function escapedText(text: string): string {
  return text.replace(unseen, (character) => {
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
  })
}

/** A name within a sentence: whatever direction it is written in, the words and amounts around it keep theirs. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`
}
